/** The stages at which CRIU stops to ask, and what came of them. */
import type { DumpTimes, RestoreTimes } from './stats';

/** When CRIU came to a stage, and how long it was kept there. */
export interface StageTime {
  stage: string;
  /** performance.now() at arrival: for differences within this process. */
  atMs: number;
  /** Date.now() at arrival: for comparison between hosts. */
  epochMs: number;
  heldMs: number;
}

export interface DumpHooks {
  /** Before the freeze. Rejecting cancels. */
  preDump?: () => Promise<void>;
  /** All tasks are frozen. Rejecting cancels; the tree runs on. */
  networkLock?: () => Promise<void>;
  /** The images are complete, the tree is frozen and alive. Default 'kill'. Rejecting is 'resume', and rejects the dump. */
  postDump?: () => Promise<'kill' | 'resume'>;
}

export interface DumpOutcome {
  /** What became of the tree. */
  tree: 'killed' | 'resumed' | 'left-running';
  stages: StageTime[];
  /** From request to answer. */
  totalMs: number;
  /** Missing after 'resumed'. */
  times: DumpTimes | undefined;
}

export interface RestoreHooks {
  /** The init task and its namespaces exist, nothing in them yet: the place to fill the network namespace. */
  setupNamespaces?: (initPid: number) => Promise<void>;
  /** The first process has its namespaces; no other is made, and no socket, before this is answered. */
  postSetupNamespaces?: () => Promise<void>;
  /** Every task is made. Rejecting, or the end of this process, ends them all: the hold that survives a crash of the helper. */
  postRestore?: (initPid: number) => Promise<void>;
  /** Every task is ready to run and stopped. Rejecting ends them all; the end of *this process* lets them run. */
  preResume?: (initPid: number) => Promise<void>;
}

export interface RestoreOutcome {
  initPid: number;
  stages: StageTime[];
  totalMs: number;
  times: RestoreTimes | undefined;
}
