/**
 * The program that keeps a pager alive.
 *
 * It is the pager's tracer: one that was killed stops once more before the kernel closes its descriptors. In that moment they are copied, so that pages which
 * are not there are waited for and never read as zero, and another pager goes on with them. When none can, the POD's control group is frozen.
 */
import { closeSync, writeFileSync, writeSync } from 'node:fs';
import { freezeGroup } from '../system/cgroup';
import { takeDescriptors } from '../system/descriptor-passing';
import { nextChange, rest, resume, seize } from '../system/ptrace';
import { identify } from '../system/process';
import { start } from '../system/spawn';
import { userfaultLink } from '../system/user-faults';
import { lockFd, logFd } from './pager-holder';
import { PagerLog } from './pager-log';

const longestLifeMs = 2_000;
const maxQuickDeaths = 3;
/** In the lock's file: no pager can go on, and the POD stands still. */
export const givenUp = 'given up';
export interface Kept {
  podId: string;
  workDirectory: string;
  images: string;
  /** Goes on with what this process holds. */
  holder?: number | undefined;
}

/** Returns when there is nothing more to be put in place, or nobody for whom. */
export function keepPager({ podId, workDirectory, images, holder }: Kept): void {
  note(process.pid);
  keepFromOomKiller();
  const log = holder === undefined ? PagerLog.make() : new PagerLog(takeDescriptors(holder, (_, fd) => fd === logFd).get(logFd)!);
  let taken: ReadonlyMap<number, number> = holder === undefined ? new Map() : takeDescriptors(holder, isNeeded);
  let quickDeaths = 0;
  while (quickDeaths < maxQuickDeaths) {
    const startedMs = performance.now();
    const left = watch(startPager([podId, workDirectory, images], log.fd, taken));
    if (left === 'done') return;
    if (left === 'lost') break;
    if (left) {
      for (const fd of taken.values()) closeSync(fd);
      taken = left;
    }
    quickDeaths = performance.now() - startedMs < longestLifeMs ? quickDeaths + 1 : 0;
  }
  freezeGroup(podId, true); // before anything reads a page that will not come
  writeSync(lockFd, `${givenUp}\n`);
  for (;;) rest(60_000); // with the descriptors: whoever removes the POD ends this too
}

/** Has the descriptors by the numbers that they had. */
function startPager(words: string[], log: number, taken: ReadonlyMap<number, number>): number {
  const count = Math.max(lockFd, ...taken.keys()) + 1;
  const stdio = Array.from({ length: count }, (_, fd) => taken.get(fd) ?? (fd === logFd ? log : [1, lockFd].includes(fd) ? fd : 'ignore'));
  const { pid } = start(process.execPath, ['fill', ...words, [...taken.keys()].join(',')], { cwd: '/', stdio });
  if (pid === undefined) throw new Error('no pager can be started');
  note(pid);
  return pid;
}

/** What pagers see of the files of pages counts as theirs, which makes them look large. */
function keepFromOomKiller(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '-1000');
  } catch {
    // without CAP_SYS_RESOURCE nobody may
  }
}

/** Whom to end when the POD is removed. */
function note(pid: number): void {
  writeSync(lockFd, `${pid} ${identify(pid)?.startTicks ?? 0}\n`);
}

/** `done`, or the descriptors of a pager that ended before it was; `lost` when they are, undefined when whoever started it has them still. */
function watch(pid: number): Map<number, number> | 'done' | 'lost' | undefined {
  try {
    seize(pid, { tellsExit: true });
  } catch {
    return undefined; // it was quick to end
  }
  for (;;) {
    const change = nextChange(pid);
    switch (change.kind) {
      case 'ended':
        return 'lost';
      case 'exiting': {
        const left = !change.isKilled && change.exitCode === 0 ? 'done' : takeDescriptors(pid, isNeeded);
        resume(pid);
        while (nextChange(pid).kind !== 'ended');
        return left;
      }
      default:
        resume(pid, change.kind === 'signal' ? change.signal : 0);
    }
  }
}

/** Those of Node itself, and the standard ones, are not. */
function isNeeded(link: string, fd: number): boolean {
  return fd > lockFd && (link === userfaultLink || /\/page(?:s|map)-\d+\.img$/.test(link) || link.startsWith('socket:'));
}
