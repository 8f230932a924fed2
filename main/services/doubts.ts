/**
 * The app's part in transfers that were broken off: as long as a host says that a POD is in doubt, or has not heard of the end of a move,
 * what each of the hosts knows is carried to the other.
 */
import type { Fleet } from '../helper-client/fleet';
import { settleDoubts } from '../moves/settle';
import type { LocatedPod } from '../pods/locate';

const AGAIN_AFTER_MS = 10_000;

export class Doubts implements Disposable {
  private pods: readonly LocatedPod[] = [];
  private isAtWork = false;
  private isStopped = false;
  private timer: NodeJS.Timeout | undefined;

  /** `onCarried`: what the hosts say may be another thing now. */
  constructor(
    private readonly fleet: Fleet,
    private readonly onCarried: () => void,
    private readonly againAfterMs = AGAIN_AFTER_MS,
  ) {}

  /** What all hosts have now. */
  notice(pods: readonly LocatedPod[]): void {
    this.pods = pods;
    if (!this.isAtWork && !this.timer && !this.isStopped) void this.carry(pods);
  }

  private async carry(pods: readonly LocatedPod[]): Promise<void> {
    this.isAtWork = true;
    const wasAny = await settleDoubts(this.fleet, pods).catch(() => true);
    this.isAtWork = false;
    if (this.isStopped) return;
    if (wasAny) {
      this.timer = setTimeout(() => {
        this.timer = undefined;
        this.notice(this.pods);
      }, this.againAfterMs);
      this.onCarried();
    } else if (this.pods !== pods) this.notice(this.pods);
  }

  [Symbol.dispose](): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }
}
