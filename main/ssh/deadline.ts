/** A time limit that stands still while a person is asked. */
export class Deadline {
  private timer: NodeJS.Timeout | undefined;
  private leftMs: number;
  private startedMs = 0;
  private pauses = 0;

  constructor(
    limitMs: number,
    private readonly onExpired: () => void,
  ) {
    this.leftMs = limitMs;
    this.start();
  }

  /** The limit does not run during `act`. */
  async pausedFor<T>(act: () => Promise<T>): Promise<T> {
    if (this.pauses++ === 0) this.stop();
    try {
      return await act();
    } finally {
      if (--this.pauses === 0) this.start();
    }
  }

  clear(): void {
    this.stop();
    this.leftMs = Infinity;
  }

  private start(): void {
    if (this.leftMs === Infinity) return;
    this.startedMs = Date.now();
    this.timer = setTimeout(this.onExpired, this.leftMs);
  }

  private stop(): void {
    clearTimeout(this.timer);
    if (this.leftMs !== Infinity) this.leftMs = Math.max(0, this.leftMs - (Date.now() - this.startedMs));
  }
}
