/** An icon beside the clock that says what is being done, where the desktop has a place for such. */
import { Menu, Tray, type MenuItemConstructorOptions } from 'electron';
import type { Locale, Task } from '../contract';
import { subjectOf } from './known-state';
import { wordsIn } from './words';

export interface TrayActions {
  show(): void;
  reveal(task: string): void;
  quit(): void;
}

export function trayTemplate(running: readonly Task[], locale: Locale, actions: TrayActions): MenuItemConstructorOptions[] {
  const words = wordsIn(locale);
  const tasks: MenuItemConstructorOptions[] = running.map((task) => ({ label: taskLabel(task, locale), click: () => actions.reveal(task.id) }));
  return [{ label: words.show, click: () => actions.show() }, { type: 'separator' }, ...(tasks.length > 0 ? tasks : [{ label: words.idle, enabled: false }]), { type: 'separator' }, { label: words.quit, click: () => actions.quit() }];
}

/** "Move desk → beta, 40 %". */
export function taskLabel(task: Task, locale: Locale): string {
  const name = [wordsIn(locale).tasks[task.kind], subjectOf(task)].filter((word) => word !== '').join(' ');
  const to = task.subject.to === undefined ? '' : ` → ${task.subject.to}`;
  const progress = 'progress' in task.state ? task.state.progress : undefined;
  const share = progress?.bytes !== undefined && progress.totalBytes ? `, ${new Intl.NumberFormat(locale, { style: 'percent' }).format(Math.min(1, progress.bytes / progress.totalBytes))}` : '';
  return `${name}${to}${share}`;
}

export class TrayIcon {
  private tray: Tray | undefined;

  constructor(
    private readonly icon: string,
    private readonly actions: TrayActions,
  ) {}

  show(running: readonly Task[], locale: Locale): void {
    if (!this.tray) {
      this.tray = new Tray(this.icon);
      this.tray.on('click', () => this.actions.show());
    }
    this.tray.setToolTip(running.length > 0 ? running.map((task) => taskLabel(task, locale)).join('\n') : 'Zap');
    this.tray.setContextMenu(Menu.buildFromTemplate(trayTemplate(running, locale, this.actions)));
  }

  hide(): void {
    this.tray?.destroy();
    this.tray = undefined;
  }
}
