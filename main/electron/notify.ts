/** Tells what has ended to somebody who looks elsewhere; who looks at the window sees it there. */
import { Notification } from 'electron';
import type { Locale, Task } from '../contract';
import { taskLabel } from './tray';
import { wordsIn } from './words';

export interface NotifyContext {
  isFocused: boolean;
  notifies: boolean;
  locale: Locale;
}

/** What is worth a word, or undefined; parts of an evacuation are told by the whole. */
export function notice(task: Task, { isFocused, notifies, locale }: NotifyContext): { title: string; body: string } | undefined {
  if (isFocused || !notifies || task.parent !== undefined) return undefined;
  const { state } = task;
  const label = taskLabel(task, locale);
  const words = wordsIn(locale);
  if (state.kind === 'done') return { title: words.done(label), body: state.outcome.note ?? '' };
  if (state.kind === 'failed') return { title: words.failed(label), body: state.error.message };
  return undefined; // cancelled: by the person, who knows
}

export function notify(task: Task, context: NotifyContext & { icon: string; onClick: () => void }): void {
  const said = notice(task, context);
  if (!said || !Notification.isSupported()) return;
  const notification = new Notification({ ...said, icon: context.icon });
  notification.once('click', context.onClick);
  notification.show();
}
