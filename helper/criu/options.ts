/**
 * What CRIU is asked to do with a POD: facts in, options out, nothing touched.
 *
 * docs/CRIU.md says why each option is there.
 */
import type { CriuOptions } from './messages';

const CLONE_NEWNET = 0x40000000;
const manageCgroupsIgnore = 0;
const networkLockSkip = 3;
const mebibyte = 2 ** 20;

/** Mounts of the POD that are not overlay, proc, dev or tmpfs (masked paths) come from outside, and are put back by name. */
const allMountsExternal = 'mnt[]';

export interface DumpFacts {
  /** The POD's first process, as this host numbers it. */
  initPid: number;
  imagesDirectory: string;
  /** A clone is taken: the original runs on. */
  isClone?: boolean;
  /** The memory is read from the frozen processes: pages that could be restored lazily stay where they are. */
  isMemoryRead?: boolean;
  /** The POD's cgroup v2 directory: CRIU freezes through it, so that not even a fork bomb escapes. CRIU must not be in it. */
  freezeCgroup?: string;
  /** Whole objects that are provided on both sides, as CRIU names them: `mnt[/shared]:shared`. */
  external?: readonly string[];
  /** The POD's deleted but open files larger than this stop the dump. */
  ghostLimitBytes?: number;
  /** 1 errors, 2 warnings too (the default: they often say what the error does not, and cost nothing that can be measured), 4 everything. */
  logLevel?: number;
  /** How long the POD may take to freeze. */
  freezeTimeoutMs?: number;
}

export interface RestoreFacts {
  imagesDirectory: string;
  /** The POD's root file system on this host; must be a mount point. */
  rootDirectory: string;
  /** A clone's connections belong to the original: the copy finds them closed. */
  isClone?: boolean;
  external?: readonly string[];
  /** A pager waits for it, which puts private memory in place. */
  isLazy?: boolean;
  /** Image pages are given back as they are read: halves the peak when images lie on tmpfs; the images are used up. */
  shouldConsumeImages?: boolean;
  logLevel?: number;
}

export const dumpLog = 'dump.log';
export const restoreLog = 'restore.log';

export function dumpOptions(facts: DumpFacts): CriuOptions {
  return {
    ...common(facts),
    pid: facts.initPid,
    logFile: dumpLog,
    tcpEstablished: true,
    tcpSkipInFlight: true,
    linkRemap: true,
    forceIrmap: true,
    ghostLimit: facts.ghostLimitBytes ?? 256 * mebibyte,
    networkLock: networkLockSkip,
    ...(facts.isClone ? { leaveRunning: true } : {}),
    ...(facts.isMemoryRead ? { lazyPages: true } : {}),
    ...(facts.freezeCgroup === undefined ? {} : { freezeCgroup: facts.freezeCgroup }),
    ...(facts.freezeTimeoutMs === undefined ? {} : { timeout: Math.max(1, Math.ceil(facts.freezeTimeoutMs / 1000)) }),
  };
}

export function restoreOptions(facts: RestoreFacts): CriuOptions {
  return {
    ...common(facts),
    root: facts.rootDirectory,
    logFile: restoreLog,
    networkLock: networkLockSkip,
    ...(facts.isClone ? { tcpClose: true } : { tcpEstablished: true }),
    ...(facts.isLazy ? { lazyPages: true } : {}),
    ...(facts.shouldConsumeImages ? { autoDedup: true } : {}),
  };
}

function common(facts: { imagesDirectory: string; external?: readonly string[]; logLevel?: number }): CriuOptions {
  return {
    imagesDirFd: -1,
    imagesDir: facts.imagesDirectory,
    logLevel: facts.logLevel ?? 2,
    extUnixSk: true,
    fileLocks: true,
    manageCgroupsMode: manageCgroupsIgnore,
    emptyNs: CLONE_NEWNET,
    external: [allMountsExternal, ...(facts.external ?? [])],
  };
}
