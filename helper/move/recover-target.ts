/** A target's journal, found by a later helper. */
import type { EnvironmentStore } from '../files/environments';
import { loadRecord } from '../pod/record';
import { treeOfArrived } from './arriving';
import type { TargetPhase } from './commit';
import { closeJournal, findJournal, journalAgeMs, type TargetJournal } from './journal';
import type { Later } from './later';
import { ChannelListener } from './secure-channel';
import { Takeover } from './takeover';
import { awaitVerdict, untilAborted } from './verdict';

/** A source that was not heard of for so long is not waited for. */
const forgetAnswerMs = 7 * 86_400_000;

/** What can be done at once is done; the rest is returned. */
export async function recoverTarget(entry: TargetJournal, environments: EnvironmentStore): Promise<Later | undefined> {
  const takeover = find(entry, environments);
  if (!takeover) return undefined;
  await takeover.step({ kind: 'started', tree: takeover.phase === 'open' ? 'dead' : treeOfArrived(takeover.arriving), isClone: entry.isClone });
  if (takeover.phase === 'over') return undefined;
  if (takeover.phase === 'settled') return { isExclusive: false, staysMs: 0, run: () => answerUntil(['over'], takeover) };
  return {
    isExclusive: true,
    staysMs: Infinity,
    run: async () => {
      await answerUntil(['over', 'settled'], takeover);
      void answerUntil(['over'], takeover).catch(() => {}); // the next helper tries again
    },
  };
}

/** For a transfer that has just ended here, and whose source went away before it heard so. */
export async function answerUnheard(id: string, environments: EnvironmentStore): Promise<void> {
  const entry = findJournal(id, 'target');
  const takeover = entry && find(entry, environments);
  if (takeover?.phase === 'settled') await answerUntil(['over'], takeover);
}

/** What the journal and the record say of it; nothing when there is nothing more to do. */
function find(entry: TargetJournal, environments: EnvironmentStore): Takeover | undefined {
  const record = loadRecord(entry.pod);
  const isElsewhere = !record || (record.state.kind === 'arriving' && record.state.transfer !== entry.transfer);
  // It was here, and its source has not heard of that: a desktop that asks for it is told so.
  if (isElsewhere && entry.phase === 'settled' && !entry.isClone && journalAgeMs(entry) < forgetAnswerMs) return undefined;
  if (isElsewhere) return void closeJournal(entry);
  // The record is written before the journal's last line, which says no more than that.
  const isSettled = record.state.kind !== 'arriving';
  if (isSettled && (entry.isClone || isForgotten(record.state))) return void closeJournal(entry);
  return new Takeover({ record, journal: entry, environments, init: entry.init, steps: () => [] }, isSettled ? 'settled' : entry.phase);
}

/** Takes the source's word, from wherever it comes, and answers it, until one of these phases is reached. */
async function answerUntil(ends: readonly (TargetPhase | 'over')[], takeover: Takeover): Promise<void> {
  const { journal } = takeover.arriving;
  // Another helper that answers for the same transfer may have the port.
  using listener = journal.port === null ? undefined : await ChannelListener.listen(Buffer.from(journal.key, 'hex'), journal.transfer, journal.port).catch(() => undefined);
  while (!ends.includes(takeover.phase)) {
    const word = await awaitVerdict(undefined, { transfer: journal.transfer, isClone: journal.isClone, nextChannel: (signal) => listener?.accept(signal) ?? untilAborted(signal), onDoubt: () => {} });
    await takeover.obey(word);
    word.over?.close();
  }
}

function isForgotten(state: { kind: string; since?: string; at?: string }): boolean {
  const sinceMs = Date.parse(state.since ?? state.at ?? '');
  return !(Date.now() - sinceMs < forgetAnswerMs);
}
