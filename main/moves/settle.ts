/**
 * The desktop's part in a transfer that was broken off.
 *
 * The hosts end it alone where they reach each other. The desktop may reach both when they do not: it asks each what it knows, and carries the source's word
 * to the target and the answer back. It decides nothing itself, so it may come too often, too late, or at the same time as another one.
 */
import { ZapError } from '../../helper/protocol/errors';
import type { Input, Output } from '../../helper/protocol/contract';
import type { Fleet } from '../helper-client/fleet';
import { Errands } from './errands';
import { listPods, type LocatedPod, type PodsOfAllHosts } from '../pods/locate';

type Outcome = Output<'transfer.outcome'>;
type Word = Input<'transfer.tell'>['word'];

export interface OpenTransfer {
  transfer: string;
  pod: string;
  /** Where it was going, if that is known and it never ran there: only that host can say that it has nothing. */
  target?: string | undefined;
}

interface Answered {
  host: string;
  value: Outcome;
}

/** The word, the answer, and that the answer was heard. */
const maxErrands = 3;

/** Carries what there is to carry between these hosts: what came of one errand may be the next. False when one of them could not be asked. */
export async function settleTransfer(fleet: Fleet, open: OpenTransfer, options: { hosts?: readonly string[]; signal?: AbortSignal | undefined } = {}): Promise<boolean> {
  let isComplete = false;
  for (let errand = 0, goesOn = true; errand < maxErrands && goesOn; errand++) ({ goesOn, isComplete } = await runErrand(fleet, open, options));
  return isComplete;
}

/** `goesOn`: there was one, and it came to something. */
async function runErrand(fleet: Fleet, open: OpenTransfer, options: { hosts?: readonly string[]; signal?: AbortSignal | undefined }): Promise<{ goesOn: boolean; isComplete: boolean }> {
  const { transfer, pod } = open;
  const { answers, failures } = await fleet.askAll((client) => client.call('transfer.outcome', { transfer, pod }, { signal: options.signal }), options);
  const tell = async (host: string, word: Word): Promise<Output<'transfer.tell'>['answer']> => (await (await fleet.client(host, options.signal)).call('transfer.tell', { transfer, pod, word }, { signal: options.signal })).answer;
  const isComplete = failures.length === 0;
  const errand = errandOf(answers, { target: open.target, isComplete });
  if (!errand) return { goesOn: false, isComplete };
  const answer = 'answer' in errand ? errand.answer : await tell(errand.target, errand.word);
  if (!answer || errand.source === undefined) return { goesOn: false, isComplete };
  await tell(errand.source, answer);
  return { goesOn: true, isComplete };
}

/** `source` waits for the answer: of the target, when it has heard `word`, or one that is known without asking. */
type Errand = { word: Word; target: string; source: string | undefined } | { answer: 'gone' | 'running'; source: string };

export function errandOf(answers: readonly Answered[], { target, isComplete }: { target: string | undefined; isComplete: boolean }): Errand | undefined {
  const source = answers.find(({ value }) => value.source !== 'unknown' && value.source !== 'abort') ?? answers.find(({ host, value }) => value.source === 'abort' && host !== target);
  const copy = answers.find(({ value }) => value.target !== 'unknown' && value.target !== 'open');
  const verdict = source?.value.source === 'committed' ? 'commit' : source?.value.source === 'given-up' || source?.value.source === 'abort' ? 'abort' : undefined;
  const waits = source && source.value.source !== 'abort' ? source.host : undefined;
  if (copy) {
    if (verdict && !(copy.value.target === 'settled' && source?.value.source === 'abort')) return { word: verdict, target: copy.host, source: waits };
    // The source has forgotten it, which it does once it has heard. One that does not answer may not have.
    return copy.value.target === 'settled' && !waits && isComplete ? { word: 'heard', target: copy.host, source: undefined } : undefined;
  }
  const there = answers.find(({ host, value }) => host === target && value.target === 'unknown');
  if (!there || !verdict || waits === undefined) return undefined;
  // It knows nothing of the transfer any more: because it has the POD, or because it has nothing.
  return { answer: there.value.source === 'abort' ? 'running' : 'gone', source: waits };
}

/** Transfers that some host says to be in doubt. */
function doubtsOf(pods: readonly LocatedPod[]): OpenTransfer[] {
  const byTransfer = new Map(pods.flatMap(({ pod }) => (pod.state.kind === 'in-doubt' ? [[pod.state.transfer, { transfer: pod.state.transfer, pod: pod.id }] as const] : [])));
  return [...byTransfer.values()];
}

/** The PODs of all hosts, after those in doubt were asked about everywhere. */
export async function listSettled(fleet: Fleet, options: { hosts?: readonly string[] | undefined; signal?: AbortSignal | undefined } = {}): Promise<PodsOfAllHosts> {
  const first = await listPods(fleet, options);
  return (await settleDoubts(fleet, first.pods, options)) ? listPods(fleet, options) : first;
}

/** And the ends of moves that their targets have not heard of. False when there was nothing to settle. */
export async function settleDoubts(fleet: Fleet, pods: readonly LocatedPod[], options: { signal?: AbortSignal | undefined } = {}): Promise<boolean> {
  const errands = new Errands(fleet.inventory.zapHome);
  const [doubts, unheard, letRun] = [doubtsOf(pods), await errands.unheardEnds(), await errands.copiesLetRun()];
  const twice = letRun.flatMap(({ transfer, pod: id, host }) => (runsOn(pods, id, host) ? pods.filter((one) => one.host !== host && runsOn([one], id, one.host)).map((one) => ({ transfer, id, host, source: one.host })) : []));
  await Promise.all([
    ...doubts.map(async (doubt) => settleTransfer(fleet, { ...doubt, target: await errands.hostThatGaveUp(doubt.transfer) }, options).catch(ignoreUnless(options.signal))),
    ...unheard.map(async ({ hosts, ...open }) => {
      const isHeard = await settleTransfer(fleet, open, { ...options, hosts }).catch(ignoreUnless(options.signal));
      if (isHeard) await errands.heard(open.transfer);
    }),
    ...twice.map(async (one) => tellLetRun(fleet, one, options).catch(ignoreUnless(options.signal))),
  ]);
  return doubts.length > 0 || unheard.length > 0 || twice.length > 0;
}

/** Asked once more: on its way from one host to the other it may have seemed to run on both. */
async function tellLetRun(fleet: Fleet, { transfer, id, host, source }: { transfer: string; id: string; host: string; source: string }, { signal }: { signal?: AbortSignal | undefined }): Promise<void> {
  const { pods } = await (await fleet.client(host, signal)).call('pod.list', {}, { signal });
  if (!runsOn(pods.map((pod) => ({ host, pod })), id, host)) return;
  await (await fleet.client(source, signal)).call('transfer.tell', { transfer, pod: id, word: 'let-run' }, { signal });
}

function runsOn(pods: readonly LocatedPod[], id: string, host: string): boolean {
  return pods.some((one) => one.host === host && one.pod.id === id && one.pod.state.kind === 'running');
}

/** What cannot be carried now is carried the next time. */
export function ignoreUnless(signal: AbortSignal | undefined): (error: unknown) => undefined {
  return (error) => {
    if (signal?.aborted) throw ZapError.from(error);
    return undefined;
  };
}
