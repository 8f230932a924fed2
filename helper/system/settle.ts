/**
 * Waits until no call that has begun before now can write into memory any more.
 *
 * Direct I/O takes hold of pages and writes into them when the disk answers. If it took hold before a scan protected them, the write that comes after the scan
 * is not seen. So what a scan told holds good once every thread was seen out of such a call: then what is read afterwards has it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { callOf, descriptorTarget, mayHoldPages, runTimeNs, threadsOf } from './thread-calls';

/** A thread that has run for so long has come to the end of any copy that it was at, or would have been seen waiting. */
const copyNs = 2_000_000;
const pollMs = 2;

interface Waiting {
  pid: number;
  tid: number;
  sinceNs: number | undefined;
}

/** Returns whether all threads of these processes have passed. */
export async function callsHavePassed(pids: readonly number[], withinMs: number): Promise<boolean> {
  const giveUpAtMs = performance.now() + withinMs;
  let waiting: Waiting[] = pids.flatMap((pid) => threadsOf(pid).map((tid) => ({ pid, tid, sinceNs: undefined })));
  for (;;) {
    waiting = waiting.filter((thread) => !hasPassed(thread));
    if (waiting.length === 0) return true;
    if (performance.now() > giveUpAtMs) return false;
    await sleep(pollMs);
  }
}

function hasPassed(thread: Waiting): boolean {
  const { pid, tid } = thread;
  const call = callOf(pid, tid);
  if (!call) return true;
  if (call.kind !== 'running') return !mayHoldPages(call, (fd) => descriptorTarget(pid, fd));
  const nowNs = runTimeNs(pid, tid);
  if (nowNs === undefined) return false;
  thread.sinceNs ??= nowNs;
  return nowNs - thread.sinceNs >= copyNs;
}
