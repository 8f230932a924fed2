/** What a terminal asks before it does what cannot be taken back: pasting lines, ending a program. */
import { useText } from '../i18n/text';
import { Button } from '../ui/button';
import { Question, Sheet } from '../ui/dialog';
import { asOneLine, countLines } from './paste';

export type TerminalQuestion =
  | { kind: 'paste'; text: string; paste: (text: string) => void }
  | { kind: 'close'; command: string; close: () => void };

const SHOWN_CHARACTERS = 2_000;

export function QuestionSheet({ question, onClose }: { question: TerminalQuestion; onClose: () => void }) {
  const t = useText();
  const answer = (act: () => void) => (): void => {
    onClose();
    act();
  };
  switch (question.kind) {
    case 'paste':
      return (
        <Sheet
          title={t('terminal.paste-title', { lines: countLines(question.text) })}
          onClose={onClose}
          actions={
            <>
              <Button onPress={onClose}>{t('common.cancel')}</Button>
              <Button onPress={answer(() => question.paste(asOneLine(question.text)))}>{t('terminal.paste-one-line')}</Button>
              <Button kind="primary" autoFocus onPress={answer(() => question.paste(question.text))}>
                {t('terminal.paste-confirm')}
              </Button>
            </>
          }
        >
          <p>{t('terminal.paste-text')}</p>
          <pre className="terminal-quote mono selectable">{shortened(question.text)}</pre>
        </Sheet>
      );
    case 'close':
      return (
        <Question title={t('terminal.close-title')} size="small" answer={t('terminal.close-confirm')} isDangerous isCancelFocused onAnswer={answer(question.close)} onClose={onClose}>
          <p>{t('terminal.close-text', { command: question.command })}</p>
        </Question>
      );
  }
}

function shortened(text: string): string {
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}
