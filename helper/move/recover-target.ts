/** A target's journal, found by a later helper. */
import type { EnvironmentStore } from '../files/environments';
import { loadRecord } from '../pod/record';
import { reach } from '../system/fault-point';
import { arrivingHands, treeOfArrived, verdictEvent, type Arriving } from './arriving';
import { ChannelListener, type Channel } from './channel';
import { stepTarget, type TargetEvent, type TargetPhase } from './commit';
import { closeJournal, findJournal, type TargetJournal } from './journal';
import { Heard } from './messages';
import type { Later } from './recover';
import { awaitVerdict, untilAborted } from './verdict';

const heardTimeoutMs = 8000;
/** A source that was not heard of for so long is not waited for. */
const forgetAnswerMs = 7 * 86_400_000;

/** What can be done at once is done; the rest is returned. */
export async function recoverTarget(entry: TargetJournal, environments: EnvironmentStore): Promise<Later | undefined> {
  const transfer = await Arrived.find(entry, environments);
  if (!transfer) return undefined;
  await transfer.step({ kind: 'started', tree: transfer.phase === 'open' ? 'dead' : treeOfArrived(transfer.arriving), isClone: entry.isClone });
  if (transfer.phase === 'over') return undefined;
  if (transfer.phase === 'settled') return { isExclusive: false, staysMs: 0, run: () => transfer.answerUntil(['over']) };
  return {
    isExclusive: true,
    staysMs: Infinity,
    run: async () => {
      await transfer.answerUntil(['over', 'settled']);
      void transfer.answerUntil(['over']).catch(() => {}); // the next helper tries again
    },
  };
}

/** For a transfer that has just ended here, and whose source went away before it heard so. */
export async function answerUnheard(id: string, environments: EnvironmentStore): Promise<void> {
  const entry = findJournal(id, 'target');
  const transfer = entry && (await Arrived.find(entry, environments));
  if (transfer?.phase === 'settled') await transfer.answerUntil(['over']);
}

class Arrived {
  private over: Channel | undefined;

  private constructor(
    readonly arriving: Arriving,
    private readonly hands: ReturnType<typeof arrivingHands>,
    public phase: TargetPhase | 'over',
  ) {}

  static async find(entry: TargetJournal, environments: EnvironmentStore): Promise<Arrived | undefined> {
    const record = loadRecord(entry.pod);
    if (!record || (record.state.kind === 'arriving' && record.state.transfer !== entry.transfer)) return void closeJournal(entry);
    // The record is written before the journal's last line, which says no more than that.
    const isSettled = record.state.kind !== 'arriving';
    if (isSettled && (entry.isClone || isForgotten(record.state))) return void closeJournal(entry);
    const arriving: Arriving = { record, journal: entry, environments, init: entry.init, channel: () => found.over, steps: () => [] };
    const found: Arrived = new Arrived(arriving, arrivingHands(arriving), isSettled ? 'settled' : entry.phase);
    return found;
  }

  async step(event: TargetEvent): Promise<void> {
    if (this.phase !== 'over') this.phase = await stepTarget(this.phase, event, this.hands, (side, action) => reach(`${side} did: ${action}`));
  }

  /** Takes the source's word, from wherever it comes, and answers it, until one of these phases is reached. */
  async answerUntil(ends: readonly (TargetPhase | 'over')[]): Promise<void> {
    const { journal } = this.arriving;
    // Another helper that answers for the same transfer may have the port.
    using listener = journal.port === null ? undefined : await ChannelListener.listen(Buffer.from(journal.key, 'hex'), journal.transfer, journal.port).catch(() => undefined);
    while (!ends.includes(this.phase)) {
      const word = await awaitVerdict(undefined, { transfer: journal.transfer, isClone: journal.isClone, nextChannel: (signal) => listener?.accept(signal) ?? untilAborted(signal), onDoubt: () => {} });
      this.over = word.over;
      await this.step(verdictEvent(this.arriving, word.verdict)).catch((error: unknown) => this.restoreFailed(error));
      if (word.over && this.phase !== 'over') {
        const heard = await word.over.receive(Heard, AbortSignal.timeout(heardTimeoutMs)).catch(() => undefined);
        if (heard) await this.step({ kind: 'heard' });
      }
      word.over?.close();
    }
  }

  private async restoreFailed(error: unknown): Promise<void> {
    if (this.arriving.runningEpochMs !== undefined) throw error;
    await this.step({ kind: 'verdict', verdict: 'commit', tree: 'dead', canRestore: false, wasRestarted: false });
  }
}

function isForgotten(state: { kind: string; since?: string; at?: string }): boolean {
  const sinceMs = Date.parse(state.since ?? state.at ?? '');
  return !(Date.now() - sinceMs < forgetAnswerMs);
}
