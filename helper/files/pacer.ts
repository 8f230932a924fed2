/** Gives the event loop its turn during long synchronous work. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const defaultSliceMs = 8;

/** Tells when it is time for that. */
export class Pacer {
  private since = performance.now();

  constructor(
    private readonly signal?: AbortSignal,
    private readonly sliceMs = defaultSliceMs,
  ) {}

  get isDue(): boolean {
    return performance.now() - this.since > this.sliceMs;
  }

  async breathe(): Promise<void> {
    this.signal?.throwIfAborted();
    await nextTurn();
    this.signal?.throwIfAborted();
    this.since = performance.now();
  }
}
