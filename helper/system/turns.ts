/**
 * Few at a time.
 *
 * What is done by two at once on the same processors takes each of them twice as long: where only one of them suffers at a time, taking turns halves it for all.
 */
export class Turns {
  private taken = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly atOnce: number,
    /** Whoever takes longer than this does not keep the others waiting. */
    private readonly patienceMs: number,
  ) {}

  /** Resolves when it is the caller's turn, which ends when the result is disposed of; rejects, with no turn taken, when `signal` is aborted before. */
  async take(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    if (this.taken < this.atOnce) this.taken++;
    else await this.wait(signal); // takes over a turn
    let timer: NodeJS.Timeout | undefined;
    const end = (): void => {
      if (timer === undefined) return;
      clearTimeout(timer);
      timer = undefined;
      const next = this.waiting.shift();
      if (next) next();
      else this.taken--;
    };
    timer = setTimeout(end, this.patienceMs);
    return { [Symbol.dispose]: end };
  }

  private wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.waiting.splice(this.waiting.indexOf(begin), 1);
        reject(signal.reason as Error);
      };
      this.waiting.push(begin);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}
