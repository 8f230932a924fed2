/** What the hosts tell of an operation, as a task shows it: with a rate, a rest, and a clock of the pause. */
import type { TaskProgress } from '../contract';

export interface ProgressEvent {
  phase: string;
  bytes?: number | undefined;
  totalBytes?: number | undefined;
  isCommitted?: boolean | undefined;
}

/** Phases of the helper in which nothing in the POD runs. */
const frozenPhases = new Set(['freeze', 'dump', 'send memory', 'send last files', 'restore', 'commit']);
const RATE_AFTER_MS = 250;

export class ProgressMeter {
  private current: TaskProgress = { phase: 'prepare', isCommitted: false };
  private phaseSinceMs: number;
  private firstBytes = 0;

  constructor(
    /** Whether a pause of it can be felt: nothing runs in what is suspended. */
    private readonly isLive: boolean,
    private readonly nowMs: () => number = Date.now,
  ) {
    this.phaseSinceMs = nowMs();
  }

  get progress(): TaskProgress {
    return this.current;
  }

  take({ phase, bytes, totalBytes, isCommitted }: ProgressEvent): TaskProgress {
    const nowMs = this.nowMs();
    if (phase !== this.current.phase) {
      this.phaseSinceMs = nowMs;
      this.firstBytes = bytes ?? 0;
    }
    const elapsedMs = nowMs - this.phaseSinceMs;
    const bytesPerSecond = bytes !== undefined && elapsedMs >= RATE_AFTER_MS ? Math.round(((bytes - this.firstBytes) / elapsedMs) * 1000) : undefined;
    const remainingMs = bytesPerSecond && totalBytes !== undefined && bytes !== undefined ? Math.round((Math.max(0, totalBytes - bytes) / bytesPerSecond) * 1000) : undefined;
    const isFrozen = this.isLive && frozenPhases.has(phase);
    const frozenSinceMs = isFrozen ? (this.current.frozenSinceMs ?? nowMs) : undefined;
    const { item } = this.current;
    this.current = {
      phase,
      isCommitted: this.current.isCommitted || isCommitted === true,
      ...(bytes === undefined ? {} : { bytes }),
      ...(totalBytes === undefined ? {} : { totalBytes }),
      ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
      ...(remainingMs === undefined ? {} : { remainingMs }),
      ...(frozenSinceMs === undefined ? {} : { frozenSinceMs }),
      ...(item === undefined ? {} : { item }),
    };
    return this.current;
  }

  /** Of several things done one after another. */
  nextItem(index: number, of: number): TaskProgress {
    this.current = { phase: this.current.phase, isCommitted: false, item: { index, of } };
    return this.current;
  }
}
