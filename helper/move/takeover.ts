/** The commit protocol as a target runs it: the helper that receives, or a later one that found its journal. */
import { arrivingHands, verdictEvent, type Arriving } from './arriving';
import type { Channel } from './channel';
import type { TargetEvent, TargetPhase } from './commit';
import { stepTarget, type TargetHands } from './commit-acts';
import { Heard } from './messages';
import type { Word } from './verdict';

const heardTimeoutMs = 8000;

export class Takeover {
  readonly arriving: Arriving;
  readonly hands: TargetHands;

  /** `over`: where the source is listening now. */
  constructor(
    arriving: Omit<Arriving, 'channel'>,
    public phase: TargetPhase | 'over',
    private over?: Channel,
  ) {
    this.arriving = { ...arriving, channel: () => this.over };
    this.hands = arrivingHands(this.arriving);
  }

  async step(event: TargetEvent): Promise<void> {
    this.phase = await stepTarget(this.phase, event, this.hands);
  }

  /** Acts on the source's word, answers it where it came from, and waits a while to hear that the answer was heard. */
  async obey({ verdict, over }: Word): Promise<void> {
    this.over = over;
    await this.step(verdictEvent(this.arriving, verdict)).catch((error: unknown) => this.restoreFailed(error));
    if (this.phase === 'over' || !over) return;
    // What the source did not hear now, it asks for later.
    const heard = await over.receive(Heard, AbortSignal.timeout(heardTimeoutMs)).catch(() => undefined);
    if (heard) await this.step({ kind: 'heard' });
  }

  /** The processes were gone, and could not be made again: the source still has everything. */
  private async restoreFailed(error: unknown): Promise<void> {
    if (this.arriving.runningEpochMs !== undefined) throw error;
    await this.step({ kind: 'verdict', verdict: 'commit', tree: 'dead', canRestore: false, wasRestarted: false });
  }
}
