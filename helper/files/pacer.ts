/** Gives the event loop its turn during long synchronous work. */
const sliceMs = 8;

export class Pacer {
  private since = performance.now();

  constructor(private readonly signal?: AbortSignal) {}

  get isDue(): boolean {
    return performance.now() - this.since > sliceMs;
  }

  async breathe(): Promise<void> {
    this.signal?.throwIfAborted();
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.signal?.throwIfAborted();
    this.since = performance.now();
  }
}
