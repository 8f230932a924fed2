/**
 * What a desktop may ask about a transfer, and carry from one host to the other.
 *
 * It reaches both hosts when they do not reach each other. What it carries is left for whichever helper holds the transfer.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Input, Output } from '../protocol/contract';
import { ZapError } from '../protocol/errors';
import { podPaths } from '../pod/paths';
import { loadRecord, maySee, saveRecord, type Caller, type PodRecord } from '../pod/record';
import { freezeGroup } from '../system/cgroup';
import { Lock } from '../system/lock';
import { presumed, type Answer } from './commit';
import { closeJournal, findJournal, leaveWord, openJournal } from './journal';
import { treeOf } from './leaving';

const answerPollMs = 20;
const answerTimeoutMs = 8000;
const decisionTimeoutMs = 60_000;
/** For whoever holds the target's part of a transfer that has ended; there need not be anybody. */
const heardTimeoutMs = 1500;

/** What each role of this host says of a transfer. A source that never wrote of it has promised nothing of a POD that is here. */
export function outcomeOf({ transfer, pod }: Input<'transfer.outcome'>, caller: Caller): Output<'transfer.outcome'> {
  const record = loadRecord(pod);
  if (record && !maySee(caller, record)) return { source: 'unknown', target: 'unknown' };
  const source = findJournal(transfer, 'source');
  const target = findJournal(transfer, 'target');
  return { source: source ? source.phase : presumed(record !== undefined && record.state.kind !== 'arriving' && !target), target: target ? target.phase : 'unknown' };
}

/** Leaves the other side's word here and says what came of it. */
export async function tell({ transfer, pod, word }: Input<'transfer.tell'>, caller: Caller, takeUp: (transfer: string) => void): Promise<Output<'transfer.tell'>> {
  const record = loadRecord(pod);
  if (record && !maySee(caller, record)) return { answer: null };
  const role = word === 'commit' || word === 'abort' || word === 'heard' ? 'target' : 'source';
  const before = findJournal(transfer, role);
  if (!before && word === 'let-run' && record) stopForgotten(record, transfer, takeUp);
  if (!before) return { answer: role === 'source' ? null : answerOf(undefined, pod) };
  if (before.pod !== pod) throw new ZapError('move/protocol', 'The transfer is of another POD.');
  leaveWord(transfer, role, word === 'let-run' ? 'running' : word);
  const isOver = word === 'heard' && before.phase === 'settled';
  const deadlineMs = performance.now() + (isOver ? heardTimeoutMs : answerTimeoutMs);
  for (;;) {
    const now = findJournal(transfer, role);
    const answer = role === 'target' ? answerOf(now?.phase, pod) : null;
    if ((answer && !isOver) || !now) return { answer };
    if (performance.now() > deadlineMs) {
      if (isOver) closeJournal(before); // the POD is here and has been asked about for the last time
      return { answer };
    }
    await sleep(answerPollMs);
  }
}

/** The POD went on here, and its source's journal is gone, when a person let its copy run elsewhere: it stands still until a person decides. */
function stopForgotten(record: PodRecord, transfer: string, takeUp: (transfer: string) => void): void {
  const lock = Lock.try(podPaths(record.id).lock);
  if (!lock) return; // the desktop comes again
  try {
    const now = loadRecord(record.id);
    if (now?.state.kind !== 'running') return;
    openJournal({ role: 'source', version: 1, transfer, pod: now.id, phase: 'superseded', peer: 'relay', key: '' });
    saveRecord({ ...now, state: { kind: 'leaving', transfer, was: now.state } });
    freezeGroup(now.id, true);
  } finally {
    lock[Symbol.dispose]();
  }
  takeUp(transfer);
}

function answerOf(phase: string | undefined, pod: string): Answer | null {
  switch (phase) {
    case undefined: {
      const kind = loadRecord(pod)?.state.kind;
      return kind === 'running' || kind === 'suspended' ? 'running' : 'gone';
    }
    case 'settled':
      return 'running';
    case 'lost':
      return 'lost';
    default:
      return null;
  }
}

/** A person's decision about a POD in doubt. To run it at the source it first becomes what is left of it: a suspended POD. */
export async function decide(record: PodRecord, runHere: boolean): Promise<void> {
  const { state } = record;
  if ((state.kind !== 'arriving' && state.kind !== 'leaving') || state.doubt === undefined) {
    throw new ZapError('pod/not-in-doubt', `There is nothing to decide about POD "${record.name}".`, { hint: 'zap pod list shows where it is.' });
  }
  const role = state.kind === 'arriving' ? 'target' : 'source';
  const entry = findJournal(state.transfer, role);
  if (runHere && state.kind === 'leaving' && entry?.phase === 'committed' && treeOf(record, state.transfer) === 'dead') {
    throw new ZapError('pod/gone', `The processes of POD "${record.name}" are gone: this host was restarted meanwhile.`, { hint: 'Its files are kept; if it runs on the other host, discard it here.' });
  }
  leaveWord(state.transfer, role, role === 'source' ? (runHere ? 'run-here' : 'discard-here') : runHere ? 'commit' : entry?.phase === 'resuming' ? 'heard' : 'abort');
  /** Nobody else has to hear of it. */
  const isNoteOver = role === 'source' && entry?.phase === 'superseded';
  const deadlineMs = performance.now() + decisionTimeoutMs;
  for (;;) {
    const now = loadRecord(record.id);
    const isDone = !now || (now.state.kind !== 'arriving' && now.state.kind !== 'leaving');
    // The note goes last, and this helper's connection ends with our answer.
    if (isDone && !(isNoteOver && findJournal(state.transfer, role) && performance.now() < deadlineMs)) return;
    if (performance.now() > deadlineMs) throw new ZapError('pod/busy', `The decision about POD "${record.name}" was left, and nothing has come of it yet.`, { hint: `See: zap pod show ${record.name}` });
    await sleep(answerPollMs);
  }
}
