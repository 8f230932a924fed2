/** A bound on how much is sent on average: whoever has sent waits until that much was due. */

/** Shorter waits are saved up. */
const shortestWaitMs = 5;

export class Throttle {
  private dueMs = performance.now();

  constructor(private readonly bytesPerSecond: number) {}

  /** Resolves when the next bytes may go. Time in which nothing was sent cannot be made up for. */
  async sent(bytes: number): Promise<void> {
    const nowMs = performance.now();
    this.dueMs = Math.max(this.dueMs, nowMs) + (bytes / this.bytesPerSecond) * 1000;
    if (this.dueMs - nowMs > shortestWaitMs) await new Promise((resolve) => setTimeout(resolve, this.dueMs - nowMs));
  }
}
