/**
 * The commit protocol as the helper that sends runs it; what a later one does with its journal is in recover-source.ts.
 *
 * Up to the commit the POD is here as it was when anything fails; from the commit on nothing may fail any more.
 */
import type { z } from 'zod';
import type { Steps } from '../checkpoint/steps';
import { loadRecord, saveRecord, type PodRecord } from '../pod/record';
import { requireNothingLeft } from '../pod/remove';
import { ZapError } from '../protocol/errors';
import type { Progress } from '../protocol/model';
import { confirmAttempts, giveUpSaying, unconfirmed, untilAnswered } from './answer';
import type { Channel } from './channel';
import type { SourceEvent, SourcePhase } from './commit';
import { stepSource, type SourceHands } from './commit-acts';
import { openJournal, type SourceJournal } from './journal';
import { sayMeanwhile } from './last-words';
import { leavingHands, treeOf } from './leaving';
import { Restored, type RunningNow } from './messages';

export interface HandoverContext {
  signal: AbortSignal;
  progress: (progress: Progress) => void;
  /** Opens the channel again after it was lost, to say how the transfer ended. */
  reconnect: () => Promise<Channel>;
  journal: SourceJournal;
}

export class Handover {
  /** Nothing before the offer was accepted; of a clone nothing at all. */
  private phase: SourcePhase | 'over' = 'over';
  private hands!: SourceHands;
  private sayOver: Channel | undefined;
  /** The target has all that it needs to stand there complete. */
  private mayHaveCopy = false;
  /** From here on only the protocol lets the POD run here again. */
  isCommitting = false;
  isCommitted = false;

  constructor(
    private readonly record: PodRecord,
    private readonly channel: Channel,
    private readonly context: HandoverContext,
    private readonly steps: Steps,
  ) {}

  /** `isHeld`: whether what was frozen here still stands still. */
  open(isHeld: () => boolean): void {
    const { record, steps, context } = this;
    const was = record.state;
    if (was.kind !== 'running' && was.kind !== 'suspended') throw new Error('unreachable');
    this.phase = 'open';
    const hands = leavingHands({ record: { ...record }, was, journal: context.journal, channel: () => this.sayOver });
    this.hands = {
      ...hands,
      freeze: async () => {
        this.isCommitting = true;
        await hands.freeze();
        if (!isHeld()) throw new ZapError('criu/died', 'CRIU ended while it held the frozen POD.');
      },
      'journal committed': async () => {
        await hands['journal committed']();
        this.isCommitted = true;
        steps.commit();
      },
      remove: () => steps.runAnyway('clean up', () => hands.remove()),
    };
    openJournal(context.journal);
    saveRecord({ ...record, state: { kind: 'leaving', transfer: context.journal.transfer, was } });
  }

  async awaitRestored(): Promise<void> {
    const { steps, channel, context } = this;
    this.mayHaveCopy = true;
    await steps.run('restore', () => channel.receive(Restored, context.signal)).catch((error: unknown) => {
      if (error instanceof ZapError && error.code !== 'move/channel-lost') this.mayHaveCopy = false; // it told us that it failed
      throw error;
    });
    context.signal.throwIfAborted();
  }

  /** The point of no return. The order is the protocol's: promised on disk, dead here, and only then alive there. */
  async commit(): Promise<void> {
    this.sayOver = this.channel;
    await this.step({ kind: 'ready' });
    this.context.progress({ phase: 'commit', isCommitted: true });
  }

  /** Waits until the target runs the POD, or says why it never will. What it tells of the POD may be lost, or come from somebody who does not know it. */
  async confirm(): Promise<z.infer<typeof RunningNow> | undefined> {
    const { record, context, channel } = this;
    const { event, over, arrived } = await untilAnswered('commit', {
      first: channel,
      reconnect: context.reconnect,
      transfer: context.journal.transfer,
      attempts: confirmAttempts,
      onDoubt: () => void this.hands.doubt(),
    }).catch((error: unknown) => {
      throw unconfirmed(record.name, error);
    });
    this.sayOver = over;
    await this.step(event);
    if (over !== channel) over?.close();
    if (event.kind === 'answered' && event.answer === 'running') {
      requireNothingLeft(record);
      return arrived;
    }
    if (this.phase === 'committed') throw unconfirmed(record.name);
    throw new ZapError('move/target-lost', `POD "${record.name}" was handed over, but the other host lost what it had received. It is here again.`, { hint: 'Try again when the other host is well.' });
  }

  /** Before the commit: the POD is here as it was, and the target hears of it. */
  async giveUp(cause: unknown): Promise<ZapError> {
    const failure = await this.steps.undo(cause);
    const { channel } = this;
    const tree = treeOf(loadRecord(this.record.id) ?? this.record, this.context.journal.transfer);
    // Killed while it stood there frozen: what the target has may be all there is.
    if (channel.isOpen && !(this.mayHaveCopy && tree === 'dead')) await channel.send({ type: 'failed', error: failure.toWire() }).catch(() => {});
    this.sayOver = undefined; // it was just said
    try {
      await this.step({ kind: 'failed', mayHaveCopy: this.mayHaveCopy, tree });
    } catch (problem) {
      return new ZapError(failure.code, failure.message, { hint: failure.hint, data: failure.data, evidence: [...(failure.evidence ?? []), (problem as Error).message], cause });
    }
    if (this.phase === 'given-up') sayMeanwhile(this.insist());
    else channel.close();
    return failure;
  }

  private async insist(): Promise<void> {
    const { channel, context } = this;
    const answer = await giveUpSaying({ first: channel, reconnect: context.reconnect, transfer: context.journal.transfer });
    this.sayOver = answer.over;
    await this.step(answer.event);
    answer.over?.close();
  }

  private async step(event: SourceEvent): Promise<void> {
    this.phase = await stepSource(this.phase, event, this.hands);
  }
}
