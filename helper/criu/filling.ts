/**
 * The helper's side of a pager: started before the freeze, waited for by whoever needs the POD whole.
 *
 * A host where it cannot be started restores as ever.
 */
import { appendFileSync, closeSync, existsSync, rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { ZapError } from '../protocol/errors';
import { readFileIfThere } from '../system/atomic-file';
import { takeDescriptors } from '../system/descriptor-passing';
import { Lock } from '../system/lock';
import { isAlive } from '../system/process';
import { start } from '../system/spawn';
import { endHolders, findHolders, lockFd } from './pager-holder';
import { givenUp } from './pager-keeper';

const readyWithinMs = 3_000;
const pollMs = 10;

export interface FillingOptions {
  podId: string;
  /** CRIU's. */
  workDirectory: string;
  images: string;
  /** Locked while there is a pager. */
  lock: string;
  /** The helper's executable. */
  program?: string;
}

/** Starts a pager for the restore that follows; false where there can be none. It ends by itself. */
export async function startFilling({ podId, workDirectory, images, lock: path, program = process.execPath }: FillingOptions): Promise<boolean> {
  const lock = Lock.try(path);
  if (!lock) return false;
  try {
    // A session of its own: what ends the helper's does not end this.
    const child = start(program, ['keep-filling', podId, workDirectory, images], { cwd: '/', stdio: ['ignore', 'pipe', 'ignore', 'ignore', lock.descriptor], detached: true });
    child.unref();
    const isReady = await new Promise<boolean>((resolve) => {
      child.once('error', () => resolve(false)).once('close', () => resolve(false));
      child.stdout!.once('data', () => resolve(true));
      setTimeout(() => resolve(false), readyWithinMs).unref();
    });
    child.stdout!.destroy();
    if (!isReady) child.kill('SIGKILL');
    return isReady;
  } finally {
    lock[Symbol.dispose]();
  }
}

/** When keeper and pager were killed together: the POD waits for its pages, and others go on. At a helper's start. */
export async function resumeFilling({ podId, workDirectory, images, lock: path, program = process.execPath }: FillingOptions): Promise<void> {
  if (!isFilling(path)) return;
  using lock = Lock.try(`${path}-again`);
  const holder = findHolders(path)[0];
  if (!lock || holder === undefined || tendersOf(path).length > 0) return;
  const descriptor = takeDescriptors(holder, (_, fd) => fd === lockFd).get(lockFd);
  if (descriptor === undefined) return;
  try {
    start(program, ['keep-filling', podId, workDirectory, images, String(holder)], { cwd: '/', stdio: ['ignore', 'ignore', 'ignore', 'ignore', descriptor], detached: true }).unref();
  } finally {
    closeSync(descriptor);
  }
  for (let waitedMs = 0; tendersOf(path).length === 0 && waitedMs < readyWithinMs; waitedMs += pollMs) await delay(pollMs);
}

export function isFilling(path: string): boolean {
  if (!existsSync(path)) return false;
  const lock = Lock.try(path);
  lock?.[Symbol.dispose]();
  return lock === undefined;
}

/** For whoever asks how much memory the POD has before it is all there. */
export function noteFilling(path: string, bytes: number): void {
  appendFileSync(path, `memory ${bytes}\n`);
}

/** What there will be, as far as it is being put in place; 0 when it is there. */
export function fillingBytes(path: string): number {
  return isFilling(path) ? Number(/^memory (\d+)$/m.exec(readFileIfThere(path) ?? '')?.[1] ?? 0) : 0;
}

/** Resolves when all memory is in its place. */
export async function whenFilled(options: FillingOptions, signal?: AbortSignal): Promise<void> {
  const { lock: path } = options;
  await resumeFilling(options);
  while (isFilling(path)) {
    if (readFileIfThere(path)?.includes(givenUp)) {
      throw new ZapError('pod/memory-missing', 'The POD stands still: its memory could not be put in place when it arrived here.', { hint: 'What it had in memory is lost. Its files are kept until it is deleted.' });
    }
    await delay(pollMs, undefined, { signal });
  }
  rmSync(path, { force: true });
}

/** For a POD that has no processes (any more). */
export async function endFilling(path: string): Promise<void> {
  while (isFilling(path)) {
    for (const pid of tendersOf(path)) process.kill(pid, 'SIGKILL');
    endHolders(findHolders(path));
    await delay(1);
  }
  rmSync(path, { force: true });
}

/** Keeper and pager that live; the keeper comes first: it would start another pager. */
function tendersOf(path: string): number[] {
  const noted = (readFileIfThere(path) ?? '').split('\n').map((line) => line.split(' ').map(Number) as [number, number]);
  return noted.filter(([pid, startTicks]) => pid > 0 && isAlive({ pid, startTicks })).map(([pid]) => pid);
}
