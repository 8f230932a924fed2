/** Gives the event loop its turn during long synchronous work. */
const defaultSliceMs = 8;

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
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.signal?.throwIfAborted();
    this.since = performance.now();
  }
}
