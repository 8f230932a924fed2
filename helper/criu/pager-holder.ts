/**
 * A process that does nothing but keep a pager's descriptors open.
 *
 * With the last descriptor of a userfaultfd what is missing reads as zero. Pager and keeper may be killed together, by whoever kills all of Zap: then pages are waited for, until the
 * next helper starts a keeper that copies the descriptors from here. It is found by the lock that it holds, so there is no moment in which nobody knows of it.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { start } from '../system/spawn';

/** Where the keeper puts the log. */
export const logFd = 3;
/** The lock that says that memory is being put in place. */
export const lockFd = 4;

const program = 'sleep';

/** From now on one process has these, by the same numbers, and nobody else what was held before; none when nothing is to be held. */
export function hold(fds: readonly number[]): void {
  const before = findHolders(readlinkSync(`/proc/self/fd/${lockFd}`));
  if (fds.length > 0) {
    const held = new Set([logFd, lockFd, ...fds]);
    start(program, ['infinity'], { cwd: '/', stdio: Array.from({ length: Math.max(...held) + 1 }, (_, fd) => (held.has(fd) ? fd : 'ignore')), detached: true });
  }
  endHolders(before);
}

/** Pids; `lock` is the lock's path. */
export function findHolders(lock: string): number[] {
  return readdirSync('/proc').map(Number).filter((pid) => pid > 0 && read(() => readlinkSync(`/proc/${pid}/fd/${lockFd}`)) === lock && read(() => readFileSync(`/proc/${pid}/comm`, 'utf8')) === `${program}\n`);
}

export function endHolders(pids: readonly number[]): void {
  for (const pid of pids) read(() => process.kill(pid, 'SIGKILL'));
}

/** undefined of a process that has ended. */
function read<Value>(look: () => Value): Value | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
