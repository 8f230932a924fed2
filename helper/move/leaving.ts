/**
 * What the commit protocol does at the source.
 *
 * The same hands serve the helper that sends and the one that finds its journal later.
 */
import { rmSync } from 'node:fs';
import { letGoOn } from '../checkpoint/freeze';
import { planLink } from '../network/link-plan';
import { connect } from '../network/pod-link';
import { removeImages } from '../pod/images';
import { podPaths } from '../pod/paths';
import { loadRecord, markDoubt, saveRecord, type PodRecord, type RecordState } from '../pod/record';
import { destroyPod } from '../pod/remove';
import { freezeGroup } from '../system/cgroup';
import { bootId, isAlive } from '../system/process';
import type { Channel } from './channel';
import type { SourcePhase, Tree } from './commit';
import type { SourceHands } from './commit-acts';
import { advanceJournal, closeJournal, type SourceJournal } from './journal';

type Was = Extract<RecordState, { kind: 'leaving' }>['was'];

export interface Leaving {
  record: PodRecord;
  /** What the POD is here until the commit. */
  was: Was;
  journal: SourceJournal;
  /** Where the target is listening now; nothing is said without. */
  channel: () => Channel | undefined;
}

/** The POD's processes here, as the protocol sees them. */
export function treeOf(record: PodRecord, transfer: string): Tree {
  const { state } = record;
  if (state.kind !== 'leaving' || state.transfer !== transfer) return 'running'; // it is here again, whatever it is
  const now = state.was;
  if (now.kind !== 'running') return 'frozen'; // stored: nothing runs, and nothing that a crash could end
  if (!isHere(now)) return 'dead';
  return freezeGroup(record.id) ? 'frozen' : 'running';
}

function isHere(was: Was): boolean {
  return was.kind === 'running' && was.bootId === bootId() && isAlive(was.init);
}

export function leavingHands(leaving: Leaving): SourceHands {
  const { record, was, channel } = leaving;
  let { journal } = leaving;
  const advance = (phase: SourcePhase): void => void (journal = advanceJournal(journal, { phase }, { isDurable: true }));
  /** What cannot be said now is said again. */
  const say = async (message: { type: string; [key: string]: unknown }): Promise<void> => channel()?.send(message).catch(() => {});
  return {
    freeze: () => void (isHere(was) && freezeGroup(record.id, true)),
    'journal committed': () => advance('committed'),
    'journal given-up': () => {
      try {
        advance('given-up');
      } catch {
        // The POD must run on all the same: a later helper finds it running, and so knows.
      }
    },
    'journal done': () => advance('done'),
    'journal superseded': () => advance('superseded'),
    release: () => release(leaving),
    'say commit': () => say({ type: 'verdict', verdict: 'commit' }),
    'say abort': () => say({ type: 'verdict', verdict: 'abort' }),
    'say heard': () => say({ type: 'heard' }),
    remove: () => destroyPod({ ...record, state: was }),
    doubt: () =>
      markDoubt(loadRecord(record.id) ?? record, {
        transfer: journal.transfer,
        reason: journal.phase === 'superseded' ? 'Somebody let its copy run on the other host; it was stopped here.' : 'It was handed over, and the other host has not said that it runs there. It stands still here.',
      }),
    forget: () => closeJournal(journal),
  };
}

/** The POD is here as it was; it runs again whatever can be written about that. */
async function release(leaving: Leaving): Promise<void> {
  const { record, was, journal } = leaving;
  const now = loadRecord(record.id);
  const isLeaving = now?.state.kind === 'leaving' && now.state.transfer === journal.transfer;
  if (was.kind === 'running' && isHere(was)) {
    letGoOn(record.id);
    const { freezing, dumped } = podPaths(record.id);
    for (const mark of [freezing, dumped]) rmSync(mark, { force: true });
    connect(await planLink(record), was.init.pid);
  }
  removeImages(record.id);
  record.state = was;
  if (isLeaving) saveRecord(record);
}
