/** Tells what came of tasks that ended while this window looked on. */
import type { Task } from '../../main/contract';
import { desk, notify } from '../state/desk';
import { isActive } from '../state/selectors';
import { world } from '../state/world';

export function watchTasks(): void {
  world.subscribe((after, before) => {
    if (after.tasks !== before.tasks) for (const task of Object.values(after.tasks)) if (hasEnded(before.tasks[task.id], task)) tell(task);
    if (after.pods !== before.pods) {
      const { selected } = desk.getState();
      if ([...selected].some((id) => !(id in after.pods))) desk.setState({ selected: new Set([...selected].filter((id) => id in after.pods)) });
    }
  });
}

function hasEnded(before: Task | undefined, after: Task): boolean {
  return before !== undefined && before !== after && isActive(before) && !isActive(after);
}

function tell(task: Task): void {
  const { subject, state } = task;
  if (state.kind === 'failed') {
    notify({ kind: 'failed', task: task.id, pod: subject.pod, podName: subject.podName, whereabouts: state.whereabouts, error: state.error, what: task.kind });
  } else if (state.kind === 'done' && task.kind === 'pod.move' && subject.pod !== undefined && subject.from !== undefined && subject.to !== undefined && task.parent === undefined) {
    notify({ kind: 'moved', task: task.id, pod: subject.pod, podName: subject.podName ?? '', from: subject.from, to: subject.to, downtimeMs: state.outcome.downtimeMs });
  }
}
