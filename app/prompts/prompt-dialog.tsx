/** Questions on the way to a host. The safe answer has the focus; text from hosts is shown as text. */
import { KeyRound, ShieldQuestion } from 'lucide-react';
import { useState } from 'react';
import type { Prompt, PromptAnswer } from '../../main/contract';
import { attempt } from '../commands/operate';
import { useText } from '../i18n/text';
import { useWorld } from '../state/selectors';
import { Button } from '../ui/button';
import { Sheet } from '../ui/dialog';
import { Facts } from '../ui/facts';
import { Checkbox, TextField } from '../ui/field';

export function Prompts() {
  const prompt = useWorld(({ prompts }) => prompts[0]);
  return prompt ? <PromptDialog key={prompt.id} prompt={prompt} /> : null;
}

function PromptDialog({ prompt }: { prompt: Prompt }) {
  const answer = (value: PromptAnswer): void => void attempt('prompt.answer', { prompt: prompt.id, answer: value });
  switch (prompt.kind) {
    case 'host-key':
      return <HostKeyPrompt prompt={prompt} onAnswer={answer} />;
    case 'confirm':
      return <ConfirmPrompt prompt={prompt} onAnswer={answer} />;
    case 'secret':
    case 'text':
      return <TextPrompt prompt={prompt} onAnswer={answer} />;
  }
}

interface Props<K extends Prompt['kind']> {
  prompt: Extract<Prompt, { kind: K }>;
  onAnswer: (answer: PromptAnswer) => void;
}

function HostKeyPrompt({ prompt, onAnswer }: Props<'host-key'>) {
  const t = useText();
  return (
    <Sheet
      title={t('prompt.key-title', { host: prompt.host })}
      mustAnswer
      onClose={() => onAnswer({ kind: 'no' })}
      actions={
        <>
          <Button autoFocus onPress={() => onAnswer({ kind: 'no' })}>
            {t('common.cancel')}
          </Button>
          <Button onPress={() => onAnswer({ kind: 'yes' })}>{t('prompt.trust')}</Button>
        </>
      }
    >
      <div className="row">
        <ShieldQuestion size={20} className="tone-warn" aria-hidden />
        <p>{t('prompt.key-text')}</p>
      </div>
      <Facts
        facts={[
          { label: t('list.address'), value: prompt.address, isMono: true },
          { label: t('prompt.key-type'), value: prompt.keyType, isMono: true },
          { label: t('prompt.fingerprint'), value: prompt.fingerprint, isMono: true },
        ]}
      />
      {prompt.otherTypes.length > 0 && <p className="callout">{t('prompt.other-types', { types: prompt.otherTypes.join(', ') })}</p>}
    </Sheet>
  );
}

function ConfirmPrompt({ prompt, onAnswer }: Props<'confirm'>) {
  const t = useText();
  return (
    <Sheet
      title={prompt.host ?? t('prompt.title')}
      mustAnswer
      onClose={() => onAnswer({ kind: 'no' })}
      actions={
        <>
          <Button autoFocus onPress={() => onAnswer({ kind: 'no' })}>
            {t('common.no')}
          </Button>
          <Button onPress={() => onAnswer({ kind: 'yes' })}>{t('common.yes')}</Button>
        </>
      }
    >
      {prompt.lines.length > 0 && <pre className="prompt-lines mono selectable">{prompt.lines.join('\n')}</pre>}
      <p className="strong">{prompt.question}</p>
    </Sheet>
  );
}

function TextPrompt({ prompt, onAnswer }: Props<'secret' | 'text'>) {
  const t = useText();
  const [text, setText] = useState('');
  const [isToBeRemembered, setToBeRemembered] = useState(false);
  const submit = (): void => onAnswer({ kind: 'text', text, isToBeRemembered });
  return (
    <Sheet
      title={prompt.host === undefined ? t('prompt.title') : prompt.kind === 'secret' ? t('prompt.secret-title', { host: prompt.host }) : prompt.host}
      size="small"
      mustAnswer
      onClose={() => onAnswer({ kind: 'no' })}
      actions={
        <>
          <Button onPress={() => onAnswer({ kind: 'no' })}>{t('common.cancel')}</Button>
          <Button kind="primary" icon={KeyRound} onPress={submit}>
            {t('prompt.send')}
          </Button>
        </>
      }
    >
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <TextField label={prompt.question} type={prompt.kind === 'secret' ? 'password' : 'text'} value={text} onChange={setText} autoFocus />
        {prompt.kind === 'secret' && prompt.canRemember && (
          <Checkbox isSelected={isToBeRemembered} onChange={setToBeRemembered}>
            {t('prompt.remember')}
          </Checkbox>
        )}
      </form>
    </Sheet>
  );
}
