/** The way to a host, step by step, so that one can see where it stands or fails. */
import { Circle, CircleAlert, CircleCheck, FileText, LoaderCircle, Plug } from 'lucide-react';
import type { ConnectionStep, Host } from '../../main/contract';
import { run } from '../commands/run';
import type { MessageId } from '../i18n/catalog';
import { useLanguage, useText } from '../i18n/text';
import { Button } from '../ui/button';
import { Evidence } from '../ui/evidence';

const stepLabels: Record<ConnectionStep['name'], MessageId> = {
  reach: 'host.step.reach',
  'verify-key': 'host.step.verify-key',
  authenticate: 'host.step.authenticate',
  'start-helper': 'host.step.start-helper',
};

const stepIcons = { waiting: Circle, running: LoaderCircle, done: CircleCheck, failed: CircleAlert } as const;
const stepTones = { waiting: 'quiet', running: 'info', done: 'good', failed: 'bad' } as const;
const stepStates: Record<ConnectionStep['state'], MessageId> = { waiting: 'host.step-state.waiting', running: 'host.step-state.running', done: 'host.step-state.done', failed: 'host.step-state.failed' };

export function ConnectionView({ host }: { host: Host }) {
  const t = useText();
  const { connection } = host;
  const context = { pods: [], host };
  return (
    <section className={`connection${connection.kind === 'failed' ? ' connection-failed' : ''}`} role="status">
      {connection.kind === 'idle' ? <p className="quiet">{t('overview.idle-host')}</p> : <Steps steps={connection.steps} />}
      {connection.kind === 'failed' && (
        <div className="stack">
          <p className="strong selectable">{connection.error.message}</p>
          {connection.error.hint !== undefined && <p className="quiet selectable">{connection.error.hint}</p>}
          <Evidence lines={connection.error.evidence} />
          <div className="row">
            <Button isSmall icon={Plug} onPress={() => run('host.connect', context)}>
              {t('host.retry')}
            </Button>
            <Button isSmall kind="ghost" icon={FileText} onPress={() => run('host.log', context)}>
              {t('command.host.log')}
            </Button>
          </div>
        </div>
      )}
    </section>
  );
}

function Steps({ steps }: { steps: readonly ConnectionStep[] }) {
  const { t, format } = useLanguage();
  return (
    <ol className="steps">
      {steps.map(({ name, state, ms, detail }) => {
        const Icon = stepIcons[state];
        return (
          <li key={name} className={`step step-${state}`}>
            <Icon size={15} className={`tone-${stepTones[state]}${state === 'running' ? ' spin' : ''}`} role="img" aria-label={t(stepStates[state])} />
            <span className="stack" style={{ gap: 0 }}>
              <span>{t(stepLabels[name])}</span>
              <span className="quiet small figures">
                {ms !== undefined && format.pause(ms)}
                {detail !== undefined && ` ${detail}`}
              </span>
            </span>
          </li>
        );
      })}
    </ol>
  );
}
