/**
 * A long operation as named steps.
 *
 * Timing, progress and undoing come from here once, so that each step is only what it does.
 */
import { ZapError } from '../protocol/errors';
import type { Progress, Step } from '../protocol/model';
import { reach } from '../system/fault-point';

export class Steps {
  readonly done: Step[] = [];
  private readonly undos: { name: string; undo: () => Promise<void> | void }[] = [];
  private readonly startedMs = performance.now();

  constructor(
    private readonly report: (progress: Progress) => void = () => {},
    readonly signal?: AbortSignal,
    /** Whose steps these are, for faults injected by a lab. */
    private readonly scope = 'steps',
  ) {}

  get elapsedMs(): number {
    return performance.now() - this.startedMs;
  }

  /** Runs one step; a cancelled operation stops before its next step. */
  async run<T>(name: string, step: () => Promise<T> | T): Promise<T> {
    this.signal?.throwIfAborted();
    return await this.runAnyway(name, step);
  }

  /** For steps behind the point of no return: no longer to be cancelled. */
  async runAnyway<T>(name: string, step: () => Promise<T> | T): Promise<T> {
    this.report({ phase: name });
    reach(`${this.scope}: ${name}`);
    const startedMs = performance.now();
    try {
      return await step();
    } finally {
      this.done.push({ name, ms: round(performance.now() - startedMs) });
    }
  }

  /** Bytes of the step that is running. */
  progress(progress: Progress): void {
    this.report(progress);
  }

  /** A duration measured elsewhere, by CRIU or by the peer. */
  note(name: string, ms: number): void {
    this.done.push({ name, ms: round(ms) });
  }

  onUndo(name: string, undo: () => Promise<void> | void): void {
    this.undos.push({ name, undo });
  }

  /** Forgets what would be undone: the operation has succeeded, or cannot fail any more. */
  commit(): void {
    this.undos.length = 0;
  }

  /** Undoes in reverse order, all of it; what goes wrong meanwhile is added to the first error and never replaces it. */
  async undo(cause: unknown): Promise<ZapError> {
    const error = ZapError.from(cause);
    const problems: string[] = [];
    for (const { name, undo } of this.undos.splice(0).reverse()) {
      try {
        await undo();
      } catch (problem) {
        problems.push(`undoing "${name}": ${(problem as Error).message}`);
      }
    }
    if (problems.length === 0) return error;
    return new ZapError(error.code, error.message, { hint: error.hint, data: error.data, evidence: [...(error.evidence ?? []), ...problems], cause });
  }
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
