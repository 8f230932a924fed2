/** A task in one line: what, how far, what came of it. */
import { Ban, CircleAlert, CircleCheck, Clock, EllipsisVertical, LoaderCircle, type LucideIcon } from 'lucide-react';
import { Button } from 'react-aria-components';
import type { Task } from '../../main/contract';
import { openMenuAt } from '../commands/context-menu';
import { useLanguage, useText, type Language } from '../i18n/text';
import { whereSentence } from '../move/describe';
import { MoveProgress } from '../move/move-progress';
import { isActive } from '../state/selectors';
import { IconButton } from '../ui/button';
import { taskStates, titleOf } from './describe';

const icons: Record<Task['state']['kind'], { icon: LucideIcon; tone: string }> = {
  queued: { icon: Clock, tone: 'quiet' },
  running: { icon: LoaderCircle, tone: 'info' },
  cancelling: { icon: LoaderCircle, tone: 'warn' },
  done: { icon: CircleCheck, tone: 'good' },
  cancelled: { icon: Ban, tone: 'quiet' },
  failed: { icon: CircleAlert, tone: 'bad' },
};

export function TaskIcon({ task, size = 16 }: { task: Task; size?: number }) {
  const t = useText();
  const { icon: Icon, tone } = icons[task.state.kind];
  const isMoving = task.state.kind === 'running' || task.state.kind === 'cancelling';
  return <Icon size={size} className={`tone-${tone}${isMoving ? ' spin' : ''}`} role="img" aria-label={t(taskStates[task.state.kind])} />;
}

export function TaskLine({ task, onOpen, isSelected = false }: { task: Task; onOpen: () => void; isSelected?: boolean }) {
  const language = useLanguage();
  const { t, format } = language;
  const title = titleOf(task, t);
  return (
    <div className={`task-line${isSelected ? ' task-selected' : ''}`}>
      <Button className="task-open" onPress={onOpen} aria-expanded={isSelected}>
        <TaskIcon task={task} />
        <span className="stack grow" style={{ gap: 1 }}>
          <span className="truncate">{title}</span>
          {!isActive(task) && <span className="quiet small truncate">{outcomeOf(task, language)}</span>}
        </span>
        <span className="quiet small figures">{format.time(task.createdAtMs)}</span>
      </Button>
      <IconButton isSmall icon={EllipsisVertical} label={t('common.actions-of', { name: title })} onPress={({ target }) => openMenuAt({ task: task.id }, target)} />
      {isActive(task) && (
        <div className="task-progress">
          <MoveProgress task={task} />
        </div>
      )}
    </div>
  );
}

export function outcomeOf(task: Task, { t, format }: Language): string {
  const { state } = task;
  switch (state.kind) {
    case 'done': {
      const { downtimeMs, totalMs, note } = state.outcome;
      return [
        ...(downtimeMs !== undefined && downtimeMs > 0 ? [t('task.paused', { pause: format.pause(downtimeMs) })] : []),
        ...(totalMs === undefined ? [] : [t('task.took', { time: format.pause(totalMs) })]),
        ...(note === undefined ? [] : [note]),
      ].join(' · ') || t('task.state.done');
    }
    case 'failed':
      return `${state.whereabouts ? `${whereSentence(state.whereabouts, t, task.subject.from)} ` : ''}${state.error.message}`;
    case 'cancelled':
      return state.whereabouts ? whereSentence(state.whereabouts, t, task.subject.from) : t('task.state.cancelled');
    case 'queued':
    case 'running':
    case 'cancelling':
      return t(taskStates[state.kind]);
  }
}
