/**
 * The helper's side of write tracking: whether it pays, and for which processes.
 *
 * Pages that the kernel vouches for need not be read again, neither in later rounds nor in the freeze, whose length then does not grow with the memory. The first
 * write of each page after each scan costs the program about a microsecond, so a small POD is left as it is.
 */
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { namespaceMembers } from '../system/process';
import { callsHavePassed } from '../system/settle';
import { start } from '../system/spawn';
import { usesAsynchronousIo } from '../system/tracked-pages';
import { canTrackWrites } from '../system/userfaultfd';
import type { TrackerAnswer, TrackerOrder } from './write-tracker';

const worthwhilePodBytes = 128 << 20;
const worthwhileProcessBytes = 8 << 20;
const answerWithinMs = 5000;
/** It does not hold a thread for so long, whatever happens. */
const endWithinMs = 10_000;
const settleWithinMs = 1000;

/** What a move tells of it. */
export interface TrackingReport {
  processes: number;
  /** Why of others that are large enough the content was compared. */
  left: string[];
  /** The longest that a thread was stopped for it. */
  stoppedMs: number;
}

export class WriteTracking implements Disposable {
  private trackedNow = new Set<number>();
  private readonly reasons = new Map<number, string>();
  private stoppedMs = 0;
  private rest = '';
  private answers: ((answer: TrackerAnswer | undefined) => void)[] = [];
  private isOver = false;
  private readonly ended: Promise<unknown>;

  private constructor(private readonly init: number, private readonly child: ChildProcess) {
    this.ended = new Promise((resolve) => void child.once('close', resolve).once('error', resolve));
    child.stdout!.on('data', (chunk: Buffer) => this.hear(chunk.toString()));
    child.stdin!.on('error', () => {}); // it has ended, which is seen below
    void this.ended.then(() => this.giveUp('The program that does it has ended.'));
  }

  /** Does nothing yet; undefined where it does not pay or cannot be had. `program` is the helper's executable. */
  static begin(init: number, program = process.execPath): WriteTracking | undefined {
    const bytes = namespaceMembers(init).map(privateBytes);
    if (bytes.reduce((sum, one) => sum + one, 0) < worthwhilePodBytes || !canTrackWrites()) return undefined;
    // A session of its own: what ends the helper's does not end this.
    return new WriteTracking(init, start(program, ['track-writes', String(init)], { cwd: '/', stdio: ['pipe', 'pipe', 'ignore'], detached: true }));
  }

  /** Pids of the processes whose scans may be believed. */
  get tracked(): ReadonlySet<number> {
    return this.trackedNow;
  }

  get report(): TrackingReport {
    return { processes: this.trackedNow.size, left: [...this.reasons.values()], stoppedMs: this.stoppedMs };
  }

  /** Before each round: takes in what is new. */
  async extend(): Promise<void> {
    if (this.isOver) return;
    const wanted = namespaceMembers(this.init).filter((pid) => !this.reasons.has(pid) && privateBytes(pid) >= worthwhileProcessBytes);
    for (const pid of wanted.filter(usesAsynchronousIo)) this.leave(pid, 'It uses asynchronous I/O.');
    const answer = await this.ask({ pids: wanted.filter((pid) => !this.reasons.has(pid)) });
    if (!answer) {
      this.giveUp('The program that does it did not answer.');
      this.child.stdin!.end();
      await Promise.race([this.ended, delay(endWithinMs, undefined, { ref: false })]); // while it holds a thread nobody else can
      return;
    }
    for (const { pid, why } of answer.left) this.leave(pid, why);
    for (const { stoppedMs } of answer.tracked) this.stoppedMs = Math.max(this.stoppedMs, stoppedMs);
    this.trackedNow = new Set(answer.tracked.map(({ pid }) => pid));
  }

  /** After a scan, and before anything is read that it has protected. */
  async settle(): Promise<void> {
    if (this.trackedNow.size === 0) return;
    const hasPassed = await callsHavePassed(namespaceMembers(this.init), settleWithinMs);
    if (!hasPassed) this.giveUp('Something in the POD reads from a disk directly into memory.');
    for (const pid of [...this.trackedNow].filter(usesAsynchronousIo)) this.leave(pid, 'It uses asynchronous I/O.');
  }

  /** What is told of this process's pages is not believed. */
  leave(pid: number, why: string): void {
    this.trackedNow.delete(pid);
    this.reasons.set(pid, `${nameOf(pid)} (${pid}): ${why}`);
  }

  /** Nothing is believed any more. */
  private giveUp(why: string): void {
    if (this.isOver) return;
    this.isOver = true;
    for (const pid of this.trackedNow) this.leave(pid, why);
    if (this.reasons.size === 0) this.reasons.set(0, why);
    for (const heard of this.answers.splice(0)) heard(undefined);
  }

  private ask(order: TrackerOrder): Promise<TrackerAnswer | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(undefined), answerWithinMs);
      this.answers.push((answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      this.child.stdin!.write(`${JSON.stringify(order)}\n`);
    });
  }

  private hear(text: string): void {
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop()!;
    for (const line of lines) this.answers.shift()?.(JSON.parse(line) as TrackerAnswer);
  }

  /** With the end of its input the program ends, when it has put right what it is at. */
  [Symbol.dispose](): void {
    this.isOver = true;
    this.trackedNow = new Set();
    this.child.stdin!.end();
  }
}

function privateBytes(pid: number): number {
  return 1024 * Number(/^RssAnon:\s+(\d+)/m.exec(statusOf(pid))?.[1] ?? 0);
}

function nameOf(pid: number): string {
  return /^Name:\s+(.*)$/m.exec(statusOf(pid))?.[1] ?? 'a process';
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'latin1');
  } catch {
    return '';
  }
}
