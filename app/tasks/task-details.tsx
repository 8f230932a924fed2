/** Everything about a task: outcome, steps with what they took, evidence, log. */
import { Activity, Copy, RotateCcw } from 'lucide-react';
import { useEffect, useState } from 'react';
import type { Task } from '../../main/contract';
import { call } from '../bridge/zap';
import { applies, run } from '../commands/run';
import { useLanguage } from '../i18n/text';
import { whereSentence } from '../move/describe';
import { Button } from '../ui/button';
import { Evidence } from '../ui/evidence';
import { TaskIcon, outcomeOf } from './task-line';
import { titleOf } from './describe';

const LOG_REFRESH_MS = 2000;

export function TaskDetails({ task }: { task: Task }) {
  const language = useLanguage();
  const { t, format } = language;
  const { state } = task;
  const context = { pods: [], task };
  const log = useLog(task);
  return (
    <section className="task-details" aria-label={titleOf(task, t)}>
      <header className="row">
        <TaskIcon task={task} />
        <h3 className="strong grow truncate">{titleOf(task, t)}</h3>
        {applies('task.repeat', context) && (
          <Button isSmall icon={RotateCcw} onPress={() => run('task.repeat', context)}>
            {t('command.task.repeat')}
          </Button>
        )}
        <Button isSmall icon={Copy} onPress={() => run('task.copy-log', context)}>
          {t('command.task.copy-log')}
        </Button>
        <Button isSmall icon={Activity} onPress={() => run('task.diagnostics', context)}>
          {t('command.task.diagnostics')}
        </Button>
      </header>
      {state.kind === 'failed' ? (
        <div className="stack selectable" style={{ gap: 6 }}>
          {(state.whereabouts || task.kind === 'pod.move') && <p className="strong">{whereSentence(state.whereabouts, t, task.subject.from)}</p>}
          <p>{state.error.message}</p>
          {state.error.hint !== undefined && <p className="quiet">{state.error.hint}</p>}
          <p className="quiet small mono">{state.error.code}</p>
          <Evidence lines={state.error.evidence} />
        </div>
      ) : (
        <p className="quiet">{outcomeOf(task, language)}</p>
      )}
      {state.kind === 'done' && state.outcome.steps && state.outcome.steps.length > 0 && <Steps steps={state.outcome.steps} />}
      <pre className="log mono selectable" tabIndex={0} aria-label={t('task.log')}>
        {log === '' ? t('task.no-log') : log}
      </pre>
      <p className="quiet small figures">{t('task.started', { time: format.time(task.createdAtMs) })}</p>
    </section>
  );
}

function Steps({ steps }: { steps: readonly { name: string; ms: number }[] }) {
  const { format } = useLanguage();
  const longest = Math.max(...steps.map(({ ms }) => ms), 1);
  return (
    <ol className="step-bars">
      {steps.map(({ name, ms }, index) => (
        <li key={`${index} ${name}`} className="step-bar small">
          <span className="truncate">{name}</span>
          <span className="step-track" aria-hidden>
            <span style={{ inlineSize: `${(ms / longest) * 100}%` }} />
          </span>
          <span className="quiet figures">{format.pause(ms)}</span>
        </li>
      ))}
    </ol>
  );
}

function useLog(task: Task): string {
  const [text, setText] = useState('');
  const isRunning = task.state.kind === 'running' || task.state.kind === 'cancelling';
  useEffect(() => {
    let isCurrent = true;
    const ask = (): void => {
      call('task.log', { task: task.id }).then(
        (answer) => isCurrent && setText(answer.text),
        () => {}, // a task without a log
      );
    };
    ask();
    const timer = isRunning ? setInterval(ask, LOG_REFRESH_MS) : undefined;
    return () => {
      isCurrent = false;
      clearInterval(timer);
    };
  }, [task.id, isRunning]);
  return text;
}
