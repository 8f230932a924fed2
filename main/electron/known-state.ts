/** What the main process itself must know of the services' state: which tasks there are, and what the person chose. */
import type { EventData, Settings, Snapshot, Task } from '../contract';
import { defaultSettings } from '../contract';


export class KnownState {
  settings: Settings = defaultSettings;
  private readonly tasks = new Map<string, Task>();
  private revision = -1;

  constructor(private readonly on: { change: () => void; taskEnded: (task: Task) => void }) {}

  /** Tasks that are still at work, oldest first. */
  get running(): Task[] {
    return [...this.tasks.values()].filter(isAtWork).sort((a, b) => a.createdAtMs - b.createdAtMs);
  }

  /** Of the services after their start; what ended meanwhile is told by its record, not by a notification. */
  take(snapshot: Snapshot): void {
    this.tasks.clear();
    for (const task of snapshot.tasks) this.tasks.set(task.id, task);
    this.settings = snapshot.settings;
    this.revision = snapshot.revision;
    this.on.change();
  }

  hear({ revision, changes }: EventData<'state'>): void {
    if (revision <= this.revision) return;
    this.revision = revision;
    let isNews = false;
    for (const change of changes) {
      if (change.kind === 'task') {
        const before = this.tasks.get(change.task.id);
        this.tasks.set(change.task.id, change.task);
        if (before && isAtWork(before) && !isAtWork(change.task)) this.on.taskEnded(change.task);
        isNews = true;
      } else if (change.kind === 'task-gone') {
        this.tasks.delete(change.task);
        isNews = true;
      } else if (change.kind === 'settings') {
        this.settings = change.settings;
        isNews = true;
      }
    }
    if (isNews) this.on.change();
  }

  /** A new start of the services counts its revisions from the beginning. */
  forget(): void {
    this.revision = -1;
  }
}

export function isAtWork(task: Task): boolean {
  return task.state.kind === 'queued' || task.state.kind === 'running' || task.state.kind === 'cancelling';
}

/** In the middle of something that would go on without this computer. */
export function isMoving(task: Task): boolean {
  return isAtWork(task) && ['pod.move', 'pod.clone', 'pod.suspend', 'pod.resume', 'host.evacuate'].includes(task.kind);
}

/** What it works on, as people call it. */
export function subjectOf({ subject }: Task): string {
  return subject.podName ?? subject.environment ?? subject.host ?? '';
}
