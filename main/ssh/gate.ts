/**
 * Few at a time.
 *
 * A handshake keeps the processor busy for some milliseconds at a stretch. Many hosts that answer in the same moment would hold up everything else, a
 * window that is being drawn among it.
 */
export class Gate {
  private inside = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly places: number,
    /** Whoever stays longer does not keep the others out: it is waiting for a slow host, not working. */
    private readonly patienceMs: number,
  ) {}

  /** Resolves when there is a place; the result gives it back, once. */
  async enter(): Promise<() => void> {
    if (this.inside < this.places) this.inside++;
    else await new Promise<void>((resolve) => this.waiting.push(resolve)); // takes over a place
    let timer: NodeJS.Timeout | undefined;
    const leave = (): void => {
      if (timer === undefined) return;
      clearTimeout(timer);
      timer = undefined;
      const next = this.waiting.shift();
      // In a turn of its own, so that whatever else has become ready comes between.
      if (next) setImmediate(next);
      else this.inside--;
    };
    timer = setTimeout(leave, this.patienceMs);
    return leave;
  }
}
