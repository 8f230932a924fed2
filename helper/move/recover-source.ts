/** A source's journal, found by a later helper. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ZapError } from '../protocol/errors';
import { loadRecord, type PodRecord } from '../pod/record';
import { giveUpSaying, untilAnswered, wordEvent } from './answer';
import type { Channel } from './channel';
import type { SourceEvent, SourcePhase } from './commit';
import { stepSource } from './commit-acts';
import { closeJournal, type SourceJournal } from './journal';
import type { Later } from './later';
import { leavingHands, treeOf, type Leaving } from './leaving';
import { connectChannel } from './secure-channel';
import { leftFor } from './verdict';

/** A target that is up answers at once; one that comes up later is asked by the next helper, or by a desktop. */
const committedStaysMs = 30_000;
const givenUpStaysMs = 4_000;
const heardAttempts = 5;
const heardPauseMs = 500;

/** What can be done at once is done; the rest is returned. */
export async function recoverSource(entry: SourceJournal): Promise<Later | undefined> {
  const record = loadRecord(entry.pod);
  const was = record && wasBefore(record, entry.transfer);
  if (!was) return { isExclusive: false, staysMs: givenUpStaysMs, run: () => tellHeard(entry).finally(() => closeJournal(entry)) };
  let over: Channel | undefined;
  let phase: SourcePhase | 'over' = entry.phase;
  const hands = leavingHands({ record, was, journal: entry, channel: () => over });
  const step = async (event: SourceEvent): Promise<void> => {
    phase = await stepSource(phase, event, hands);
  };
  await step({ kind: 'started', tree: treeOf(record, entry.transfer) });
  if (entry.phase === 'done') return { isExclusive: false, staysMs: givenUpStaysMs, run: () => tellHeard(entry) };
  const isCommitted = (): boolean => phase === 'committed';
  if (phase === 'superseded') {
    const decided = async (): Promise<void> => step(wordEvent(await leftFor(entry.transfer, 'source', new AbortController().signal)));
    return { isExclusive: true, staysMs: 0, run: decided };
  }
  if (!isCommitted() && phase !== 'given-up') return undefined;
  const run = async (): Promise<void> => {
    const common = { first: undefined, transfer: entry.transfer, reconnect: () => reconnect(entry) };
    const heard = isCommitted() ? await untilAnswered('commit', { ...common, attempts: Infinity, onDoubt: () => void hands.doubt() }) : await giveUpSaying(common);
    over = heard.over;
    await step(heard.event);
    over?.close();
    while (isCommitted()) await step(wordEvent(await leftFor(entry.transfer, 'source', new AbortController().signal)));
    if (phase !== 'given-up') return;
    // Somebody has decided so: the target hears of it.
    const told = await giveUpSaying(common);
    over = told.over;
    await step(told.event);
    over?.close();
  };
  return { isExclusive: isCommitted(), staysMs: isCommitted() ? committedStaysMs : givenUpStaysMs, run };
}

/** What the POD was before it began to leave, or is again. */
function wasBefore({ state }: PodRecord, transfer: string): Leaving['was'] | undefined {
  if (state.kind === 'leaving') return state.transfer === transfer ? state.was : undefined;
  return state.kind === 'running' || state.kind === 'suspended' ? state : undefined;
}

async function reconnect({ peer, key, transfer }: SourceJournal): Promise<Channel> {
  if (peer === 'relay') throw new ZapError('move/channel-lost', 'It was handed over through the desktop, which alone can ask the other host.');
  return connectChannel(peer, Buffer.from(key, 'hex'), transfer);
}

/** Nothing of it is here any more: the target need not keep its answer. It may be about to listen again, since it lost sight of this host as well. */
async function tellHeard(entry: SourceJournal): Promise<void> {
  for (let attempt = 0; attempt < heardAttempts; attempt++) {
    try {
      const channel = await reconnect(entry);
      await channel.send({ type: 'verdict', verdict: 'commit' });
      await channel.send({ type: 'heard' });
      return channel.close();
    } catch {
      await sleep(heardPauseMs);
    }
  }
}
