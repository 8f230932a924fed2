/** What happened, told where one looks: successes go by themselves, errors stay until they are dismissed. */
import { CircleAlert, CircleCheck, Undo2, X } from 'lucide-react';
import { useEffect, type ReactNode } from 'react';
import { run } from '../commands/run';
import { useLanguage, useText } from '../i18n/text';
import { whereSentence } from '../move/describe';
import { dismiss, openTask, useDesk, type Notice } from '../state/desk';
import { world } from '../state/world';
import { Button, IconButton } from '../ui/button';

const SHORT_MS = 4000;
const LONG_MS = 20_000;

export function Notices() {
  const t = useText();
  const notices = useDesk((state) => state.notices);
  return (
    <section className="notices" aria-label={t('notice.label')}>
      <div role="log" aria-live="polite" className="stack">
        {notices.map((notice) => (
          <NoticeCard key={notice.id} notice={notice} />
        ))}
      </div>
    </section>
  );
}

function NoticeCard({ notice }: { notice: Notice & { id: number } }) {
  const { t, format } = useLanguage();
  const lifeMs = notice.kind === 'copied' ? SHORT_MS : notice.kind === 'moved' ? LONG_MS : undefined;
  useEffect(() => {
    if (lifeMs === undefined) return undefined;
    const timer = setTimeout(() => dismiss(notice.id), lifeMs);
    return () => clearTimeout(timer);
  }, [notice.id, lifeMs]);
  const close = (): void => dismiss(notice.id);
  const details = (task: string) => (
    <Button isSmall kind="ghost" onPress={() => openTask(task)}>
      {t('command.task.open')}
    </Button>
  );
  switch (notice.kind) {
    case 'copied':
      return <Card tone="good" title={t('notice.copied')} onClose={close} />;
    case 'call-failed':
      return (
        <Card tone="bad" title={notice.error.message} onClose={close}>
          {notice.error.hint !== undefined && <p className="quiet">{notice.error.hint}</p>}
        </Card>
      );
    case 'moved': {
      const moveBack = (): void => {
        const pod = world.getState().pods[notice.pod];
        if (pod) run('pod.move-back', { pods: [pod] });
        close();
      };
      return (
        <Card
          tone="good"
          title={t('notice.moved', { pod: notice.podName, host: notice.to })}
          onClose={close}
          actions={
            <>
              <Button isSmall icon={Undo2} onPress={moveBack}>
                {t('command.pod.move-back')}
              </Button>
              {details(notice.task)}
            </>
          }
        >
          {notice.downtimeMs !== undefined && notice.downtimeMs > 0 && <p className="quiet">{t('notice.paused', { pause: format.pause(notice.downtimeMs) })}</p>}
        </Card>
      );
    }
    case 'failed':
      return (
        <Card tone="bad" title={notice.whereabouts || notice.what === 'pod.move' ? whereSentence(notice.whereabouts, t) : notice.error.message} subject={notice.podName} onClose={close} actions={details(notice.task)}>
          {(notice.whereabouts || notice.what === 'pod.move') && <p>{notice.error.message}</p>}
          {notice.error.hint !== undefined && <p className="quiet">{notice.error.hint}</p>}
        </Card>
      );
  }
}

function Card({ tone, title, subject, children, actions, onClose }: { tone: 'good' | 'bad'; title: string; subject?: string | undefined; children?: ReactNode; actions?: ReactNode; onClose: () => void }) {
  const t = useText();
  const Icon = tone === 'good' ? CircleCheck : CircleAlert;
  return (
    <div className={`notice notice-${tone}`}>
      <Icon size={17} className={`tone-${tone}`} aria-hidden />
      <div className="stack grow selectable" style={{ gap: 4 }}>
        {subject !== undefined && <p className="quiet small">{subject}</p>}
        <p className="strong">{title}</p>
        {children}
        {actions !== undefined && <div className="row notice-actions">{actions}</div>}
      </div>
      <IconButton isSmall icon={X} label={t('common.dismiss')} onPress={onClose} />
    </div>
  );
}
