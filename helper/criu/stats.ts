/** What CRIU measured: its stats-dump and stats-restore files, with units in the names. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readImage } from './images';
import { decode } from './messages';

export interface DumpTimes {
  /** Until every task stood still. */
  freezingMs: number;
  /** From then to the end of the freeze, the time that the `post-dump` hook took included. */
  frozenMs: number;
  /** Within it: draining the tasks' pages into pipes, and writing those out. */
  memoryDumpMs: number;
  memoryWriteMs: number;
  inotifyPathsMs: number;
  pagesScanned: number;
  pagesWritten: number;
  sharedPagesWritten: number;
  pagesLeftToParent: number;
  pagesLazy: number;
}

export interface RestoreTimes {
  forkingMs: number;
  /** Until the tasks were ready to be let go; the later hooks are not in it. */
  restoreMs: number;
  pagesRestored: number;
}

/** undefined when CRIU wrote none: it does so only after a dump that went through. */
export function readDumpTimes(workDirectory: string): DumpTimes | undefined {
  const stats = readStats(join(workDirectory, 'stats-dump'))?.dump;
  if (!stats) return undefined;
  return {
    freezingMs: stats.freezingTime / 1000,
    frozenMs: stats.frozenTime / 1000,
    memoryDumpMs: stats.memdumpTime / 1000,
    memoryWriteMs: stats.memwriteTime / 1000,
    inotifyPathsMs: (stats.irmapResolve ?? 0) / 1000,
    pagesScanned: stats.pagesScanned,
    pagesWritten: stats.pagesWritten,
    sharedPagesWritten: stats.shmemPagesWritten ?? 0,
    pagesLeftToParent: stats.pagesSkippedParent,
    pagesLazy: stats.pagesLazy,
  };
}

export function readRestoreTimes(workDirectory: string): RestoreTimes | undefined {
  const stats = readStats(join(workDirectory, 'stats-restore'))?.restore;
  if (!stats) return undefined;
  return { forkingMs: stats.forkingTime / 1000, restoreMs: stats.restoreTime / 1000, pagesRestored: stats.pagesRestored ?? 0 };
}

function readStats(path: string) {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const [entry] = readImage(bytes).entries;
  return entry && decode('Stats', entry);
}
