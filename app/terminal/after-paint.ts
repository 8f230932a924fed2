/**
 * Calls back when what was written has been painted, and of a flood when it is time for the next picture.
 *
 * A terminal that takes in more of a flood than it paints keeps its window busy with what nobody sees. A window that is hidden paints nothing, and still takes what comes.
 */
import { Pace } from './pace';

const HIDDEN_MS = 250;

export class AfterPaint {
  private readonly pace = new Pace();
  private readonly waiting: (() => void)[] = [];
  private waitingBytes = 0;

  tell(bytes: number, callback: () => void): void {
    this.waitingBytes += bytes;
    if (this.waiting.push(callback) > 1) return;
    const timer = setTimeout(() => this.painted(frame, timer), HIDDEN_MS);
    const frame = requestAnimationFrame(() => this.painted(frame, timer));
  }

  private painted(frame: number, timer: ReturnType<typeof setTimeout>): void {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    const waitMs = this.pace.after(this.waitingBytes, performance.now());
    this.waitingBytes = 0;
    const callbacks = this.waiting.splice(0);
    const finish = (): void => callbacks.forEach((callback) => callback());
    if (waitMs > 0) setTimeout(finish, waitMs);
    else finish();
  }
}
