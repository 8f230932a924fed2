/**
 * The tasks of the past, in tasks.jsonl: a line when one begins and another when it has ended; the last line about a task counts.
 *
 * A line that was cut off by a crash is skipped, and the file is written anew, without what is old, at each start.
 */
import { appendFile, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Task } from '../contract';
import { readIfThere, replaceFile } from '../settings/atomic-file';

/** How to do it again: a call of the contract. */
export const TaskRequest = z.strictObject({ name: z.string(), input: z.unknown() });
export type TaskRequest = z.infer<typeof TaskRequest>;

const Line = z.strictObject({ version: z.literal(1), task: Task, request: TaskRequest.optional() });

export interface TaskRecord {
  task: Task;
  request?: TaskRequest | undefined;
}

const KEPT_TASKS = 1_000;

export class TaskHistory {
  private readonly file: string;
  private readonly logs: string;
  private last: Promise<unknown> = Promise.resolve();

  constructor(zapHome: string) {
    this.file = join(zapHome, 'tasks.jsonl');
    this.logs = join(zapHome, 'task-logs');
  }

  /** Oldest first. */
  async read(): Promise<TaskRecord[]> {
    const records = new Map<string, TaskRecord>();
    for (const text of ((await readIfThere(this.file)) ?? '').split('\n')) {
      const record = parse(text);
      if (record) records.set(record.task.id, record);
    }
    const all = [...records.values()].sort((a, b) => a.task.createdAtMs - b.task.createdAtMs);
    const kept = all.slice(-KEPT_TASKS);
    await Promise.all(all.slice(0, -KEPT_TASKS).map(({ task }) => this.removeLog(task.id)));
    return kept;
  }

  append(record: TaskRecord): Promise<void> {
    return this.inTurn(() => appendFile(this.file, line(record), { mode: 0o600 }));
  }

  /** In place of all that was written before. */
  replace(records: readonly TaskRecord[]): Promise<void> {
    return this.inTurn(() => replaceFile(this.file, records.map(line).join('')));
  }

  async appendLog(id: string, text: string): Promise<void> {
    await this.inTurn(async () => {
      await mkdir(this.logs, { recursive: true, mode: 0o700 });
      await appendFile(this.logFile(id), text, { mode: 0o600 });
    });
  }

  async readLog(id: string): Promise<string> {
    await this.last;
    return readFile(this.logFile(id), 'utf8').catch(() => '');
  }

  async removeLog(id: string): Promise<void> {
    await rm(this.logFile(id), { force: true });
  }

  /** Resolves when everything asked for so far is written. */
  async settled(): Promise<void> {
    await this.last;
  }

  private logFile(id: string): string {
    return join(this.logs, `${id}.log`);
  }

  private inTurn<T>(act: () => Promise<T>): Promise<T> {
    const mine = this.last.then(act);
    this.last = mine.catch(() => {});
    return mine;
  }
}

function parse(text: string): TaskRecord | undefined {
  try {
    const { version: _, ...record } = Line.parse(JSON.parse(text));
    return record;
  } catch {
    return undefined;
  }
}

function line({ task, request }: TaskRecord): string {
  return `${JSON.stringify({ version: 1, task, ...(request ? { request } : {}) })}\n`;
}
