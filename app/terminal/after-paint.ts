/**
 * Calls back when what was written has been painted.
 *
 * A terminal that takes in more of a flood than it paints keeps its window busy with what nobody sees. A window that is hidden paints nothing, and still takes what comes.
 */
const HIDDEN_MS = 250;

export class AfterPaint {
  private readonly waiting: (() => void)[] = [];

  tell(callback: () => void): void {
    if (this.waiting.push(callback) > 1) return;
    const timer = setTimeout(() => this.finish(frame, timer), HIDDEN_MS);
    const frame = requestAnimationFrame(() => this.finish(frame, timer));
  }

  private finish(frame: number, timer: ReturnType<typeof setTimeout>): void {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    for (const callback of this.waiting.splice(0)) callback();
  }
}
