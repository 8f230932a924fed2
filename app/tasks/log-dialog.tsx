/** A log of a host, a POD or a task. */
import { Copy } from 'lucide-react';
import { useEffect, useState } from 'react';
import type { Dialog } from '../state/desk';
import { call, failureOf } from '../bridge/zap';
import { copyText } from '../commands/operate';
import { useText } from '../i18n/text';
import { closeDialog } from '../state/desk';
import { Button } from '../ui/button';
import { Sheet } from '../ui/dialog';

type Subject = Extract<Dialog, { kind: 'log' }>['of'];

export function LogDialog({ of: subject }: { of: Subject }) {
  const t = useText();
  const [text, setText] = useState<string>();
  const [search, setSearch] = useState('');
  useEffect(() => {
    readLog(subject).then(setText, (error: unknown) => setText(failureOf(error).message));
  }, [subject]);
  const lines = (text ?? '').split('\n').filter((line) => line.toLowerCase().includes(search.toLowerCase()));
  return (
    <Sheet
      title={t('task.log')}
      size="large"
      onClose={closeDialog}
      actions={
        <>
          <input className="input grow" placeholder={t('log.filter')} aria-label={t('log.filter')} value={search} onChange={(event) => setSearch(event.target.value)} />
          <Button icon={Copy} onPress={() => void copyText(text)}>
            {t('command.task.copy-log')}
          </Button>
        </>
      }
    >
      <pre className="log log-tall mono selectable" tabIndex={0}>
        {text === '' ? t('task.no-log') : lines.join('\n')}
      </pre>
    </Sheet>
  );
}

async function readLog(subject: Subject): Promise<string> {
  if ('task' in subject) return (await call('task.log', subject)).text;
  if ('host' in subject) return (await call('host.log', subject)).text;
  const { files } = await call('pod.log', subject);
  return files.map(({ name, text }) => `── ${name} ──\n${text}`).join('\n');
}
