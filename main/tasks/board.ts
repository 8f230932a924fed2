/**
 * Everything longer than a blink: who asked for it may close the window, lose the page, or look at something else meanwhile.
 *
 * A task ends in one of three ways and is kept with its log. One that was at work when the program ended is told apart at the next start: `interrupted`.
 */
import { randomBytes } from 'node:crypto';
import { assertNever, ZapError } from '../../helper/protocol/errors';
import type { Failure, Task, TaskKind, TaskOutcome, TaskProgress, Whereabouts } from '../contract';
import type { TaskHistory, TaskRecord, TaskRequest } from './history';
import { ProgressMeter, type ProgressEvent } from './progress';

export interface TaskPlan {
  kind: TaskKind;
  subject: Task['subject'];
  parent?: string | undefined;
  canCancel: boolean;
  /** What to ask to have it done again. */
  request?: TaskRequest | undefined;
  /** Whether a pause in it can be felt. */
  isLive?: boolean;
}

export interface TaskContext {
  readonly id: string;
  readonly signal: AbortSignal;
  log(text: string): void;
  progress(event: ProgressEvent): void;
  item(index: number, of: number): void;
  /** More is known about what it works on. */
  subject(more: Partial<Task['subject']>): void;
}

export interface BoardEvents {
  onTask: (task: Task) => void;
  onGone: (id: string) => void;
}

interface Running {
  task: Task;
  abort: AbortController;
  finished: Promise<Task>;
}

/** Progress comes with every block of bytes; so often nobody can read it. */
const PROGRESS_INTERVAL_MS = 100;
const SHOWN_TASKS = 200;

export class TaskBoard {
  private readonly running = new Map<string, Running>();
  private readonly past = new Map<string, TaskRecord>();
  private readonly requests = new Map<string, TaskRequest>();

  constructor(
    private readonly history: TaskHistory,
    private readonly events: BoardEvents,
  ) {}

  /** Reads the past; returns the tasks that were at work when the program ended. */
  async load(): Promise<TaskRecord[]> {
    const records = await this.history.read();
    for (const record of records) this.past.set(record.task.id, record);
    const interrupted = records.filter(({ task }) => isAtWork(task));
    await this.history.replace(records);
    return interrupted;
  }

  /** Running ones, and the newest of the past. */
  get shown(): Task[] {
    const past = [...this.past.values()].map(({ task }) => task).filter(({ id }) => !this.running.has(id));
    return [...past.slice(-SHOWN_TASKS), ...[...this.running.values()].map(({ task }) => task)];
  }

  get atWork(): Task[] {
    return [...this.running.values()].map(({ task }) => task);
  }

  /** Newest first. */
  older({ beforeMs, limit, pod }: { beforeMs: number; limit: number; pod?: string | undefined }): Task[] {
    const matching = [...this.past.values()].map(({ task }) => task).filter((task) => task.createdAtMs < beforeMs && (pod === undefined || task.subject.pod === pod));
    return matching.reverse().slice(0, limit);
  }

  get(id: string): Task | undefined {
    return this.running.get(id)?.task ?? this.past.get(id)?.task;
  }

  requestOf(id: string): TaskRequest {
    const request = this.requests.get(id) ?? this.past.get(id)?.request;
    if (!request) throw new ZapError('usage/not-repeatable', 'This cannot be done again by itself.', { data: { task: id } });
    return request;
  }

  start(plan: TaskPlan, work: (context: TaskContext) => Promise<TaskOutcome>): string {
    const { kind, subject, parent, canCancel, request, isLive = false } = plan;
    const id = `${Date.now().toString(36)}-${randomBytes(4).toString('hex')}`;
    const meter = new ProgressMeter(isLive);
    const abort = new AbortController();
    const task: Task = { id, kind, subject, ...(parent === undefined ? {} : { parent }), createdAtMs: Date.now(), state: { kind: 'running', progress: meter.progress }, canCancel, canRepeat: request !== undefined };
    const running: Running = { task, abort, finished: Promise.resolve(task) };
    if (request) this.requests.set(id, request);
    this.running.set(id, running);
    this.events.onTask(task);
    void this.history.append({ task, request }).catch(() => {}); // a full disk must not stop the work
    running.finished = this.run(running, meter, work);
    return id;
  }

  /** Resolves to its last state; at once for one of the past. */
  async finished(id: string): Promise<Task | undefined> {
    return this.running.get(id)?.finished ?? this.get(id);
  }

  cancel(id: string): void {
    const running = this.running.get(id);
    if (!running) throw new ZapError('usage/task-ended', 'It has ended already.', { data: { task: id } });
    const { state, canCancel } = running.task;
    if (state.kind !== 'running') return;
    if (!canCancel || state.progress.isCommitted) throw new ZapError('move/committed', 'It can no longer be cancelled.', { data: { task: id } });
    this.change(running, { state: { kind: 'cancelling', progress: state.progress } });
    running.abort.abort();
  }

  log(id: string): Promise<string> {
    return this.history.readLog(id);
  }

  /** Forgets what has ended. */
  async clear(): Promise<void> {
    for (const id of [...this.past.keys()].filter((past) => !this.running.has(past))) {
      this.past.delete(id);
      this.requests.delete(id);
      this.events.onGone(id);
      await this.history.removeLog(id);
    }
    await this.history.replace([...this.running.values()].map(({ task }) => ({ task, request: this.requests.get(task.id) })));
  }

  /** Says what became of a task that an earlier run of the program began. */
  async conclude(id: string, state: Task['state']): Promise<void> {
    const record = this.past.get(id);
    if (!record) return;
    await this.keep({ ...record, task: { ...record.task, state, endedAtMs: Date.now(), canCancel: false } });
  }

  /** Until all that was written is on the disk. */
  async settled(): Promise<void> {
    await this.history.settled();
  }

  private async run(running: Running, meter: ProgressMeter, work: (context: TaskContext) => Promise<TaskOutcome>): Promise<Task> {
    const { id } = running.task;
    let shownMs = 0;
    let later: NodeJS.Timeout | undefined;
    const show = (progress: TaskProgress): void => {
      clearTimeout(later);
      const { state } = running.task;
      if (state.kind !== 'running' && state.kind !== 'cancelling') return;
      shownMs = Date.now();
      this.change(running, { state: { kind: state.kind, progress } });
    };
    let phase = '';
    const context: TaskContext = {
      id,
      signal: running.abort.signal,
      log: (text) => this.write(id, text),
      progress: (event) => {
        const progress = meter.take(event);
        const isNew = phase !== event.phase;
        if (isNew) this.write(id, (phase = event.phase));
        if (isNew || event.isCommitted) return show(progress);
        clearTimeout(later);
        later = setTimeout(() => show(meter.progress), Math.max(0, shownMs + PROGRESS_INTERVAL_MS - Date.now()));
      },
      item: (index, of) => show(meter.nextItem(index, of)),
      subject: (more) => this.change(running, { subject: { ...running.task.subject, ...more } }),
    };
    let state: Task['state'];
    try {
      const outcome = await work(context);
      state = { kind: 'done', outcome };
      if (outcome.note) this.write(id, outcome.note);
    } catch (thrown) {
      state = this.failed(id, ZapError.from(thrown));
    }
    clearTimeout(later);
    this.change(running, { state, endedAtMs: Date.now(), canCancel: false });
    this.running.delete(id);
    await this.keep({ task: running.task, request: this.requests.get(id) }).catch(() => {});
    return running.task;
  }

  private failed(id: string, error: ZapError): Task['state'] {
    this.write(id, [`${error.code}: ${error.message}`, ...(error.hint === undefined ? [] : [error.hint]), ...(error.evidence ?? [])].join('\n'));
    const where = whereaboutsOf(error);
    const rest = where ? { whereabouts: where } : {};
    return error.code.startsWith('cancelled/') ? { kind: 'cancelled', ...rest } : { kind: 'failed', error: asFailure(error), ...rest };
  }

  private async keep(record: TaskRecord): Promise<void> {
    this.past.set(record.task.id, record);
    this.events.onTask(record.task);
    await this.history.append(record);
  }

  private change(running: Running, change: Partial<Task>): void {
    running.task = { ...running.task, ...change };
    this.events.onTask(running.task);
  }

  private write(id: string, text: string): void {
    void this.history.appendLog(id, `${new Date().toISOString()} ${text}\n`).catch(() => {});
  }
}

export function isAtWork({ state }: Task): boolean {
  switch (state.kind) {
    case 'queued':
    case 'running':
    case 'cancelling':
      return true;
    case 'done':
    case 'cancelled':
    case 'failed':
      return false;
    default:
      return assertNever(state);
  }
}

export function asFailure(error: ZapError): Failure {
  const { code, message, hint, data, evidence } = error;
  return { code, message, ...(hint === undefined ? {} : { hint }), ...(data === undefined ? {} : { data }), ...(evidence === undefined ? {} : { evidence }) };
}

/** A move that fails says where its POD is. */
function whereaboutsOf({ data }: ZapError): Whereabouts | undefined {
  const pod = data?.['pod'];
  if (typeof pod !== 'object' || pod === null || !('host' in pod) || !('state' in pod)) return undefined;
  return { host: String(pod.host), state: pod.state as Whereabouts['state'] };
}
