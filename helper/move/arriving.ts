/**
 * What the commit protocol does at the target.
 *
 * The same hands serve the helper that receives and the one that finds its journal later.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readManifest, sizeOf } from '../checkpoint/manifest';
import { letRun, Revival, type Running } from '../checkpoint/revive';
import type { EnvironmentStore } from '../files/environments';
import type { MapId } from '../files/id-shift';
import { planLink } from '../network/link-plan';
import { removeImages } from '../pod/images';
import { podPaths } from '../pod/paths';
import { markDoubt, saveRecord, toPod, type PodRecord } from '../pod/record';
import { destroyPod, dismantle } from '../pod/remove';
import type { Step } from '../protocol/model';
import { freezeGroup } from '../system/cgroup';
import { insist } from '../system/insist';
import { bootId, isAlive, type ProcessIdentity } from '../system/process';
import { run } from '../system/spawn';
import type { Channel } from './channel';
import type { Answer, TargetEvent, TargetPhase, Tree, Verdict } from './commit';
import type { TargetHands } from './commit-acts';
import { advanceJournal, closeJournal, type TargetJournal } from './journal';

const writeAgainMs = 500;
const reserveBytes = 32 << 10;

export interface Arriving {
  record: PodRecord;
  journal: TargetJournal;
  environments: EnvironmentStore;
  mapId?: MapId | undefined;
  /** The POD's first process, once it stands there complete and stopped. */
  init: ProcessIdentity | undefined;
  /** Lets it go at once; without, what that needs is looked up first. */
  letRun?: (() => Running) | undefined;
  /** Where the source is listening now. */
  channel: () => Channel | undefined;
  steps: () => readonly Step[];
  /** Wall clock at which it was let run. */
  runningEpochMs?: number;
}

export function treeOfArrived({ record, init }: Pick<Arriving, 'record' | 'init'>): Tree {
  if (isStored(record.id)) return 'frozen';
  if (!init || !isAlive(init)) return 'dead';
  return freezeGroup(record.id) ? 'frozen' : 'running';
}

/** A POD that arrived suspended, and stays so. */
function isStored(podId: string): boolean {
  return readManifest(podPaths(podId).checkpoint) !== undefined;
}

/** The source's word, with what there is to act on it. */
export function verdictEvent(arriving: Arriving, verdict: Verdict | 'heard'): TargetEvent {
  if (verdict === 'heard') return { kind: 'heard' };
  const { record } = arriving;
  const wasRestarted = record.state.kind === 'running' && record.state.bootId !== bootId();
  return { kind: 'verdict', verdict, tree: treeOfArrived(arriving), canRestore: existsSync(podPaths(record.id).images), wasRestarted };
}

export function arrivingHands(arriving: Arriving): TargetHands {
  const { record, channel } = arriving;
  const advance = (phase: TargetPhase, isDurable: boolean): void => {
    const { init } = arriving;
    arriving.journal = advanceJournal(arriving.journal, { phase, ...(init ? { init } : {}) }, { isDurable });
  };
  const say = async (message: { type: string; [key: string]: unknown }): Promise<void> => channel()?.send(message).catch(() => {});
  const answer = (word: Exclude<Answer, 'running'>) => () => say({ type: 'answer', answer: word });
  return {
    'journal restored': () => advance('restored', false), // what it speaks of does not survive a power cut either
    'say restored': () => say({ type: 'restored', steps: arriving.steps().map((step) => ({ ...step })) }),
    'restore again': () => restoreAgain(arriving),
    'journal resuming': () => {
      try {
        advance('resuming', false);
      } catch {
        // It only helps whoever comes after a crash in the next moment; the POD need not wait for a disk.
      }
    },
    'let run': async () => {
      arriving.runningEpochMs = Date.now();
      if (isStored(record.id)) return;
      arriving.runningEpochMs = (arriving.letRun?.() ?? letRun(record, await planLink(record), arriving.init!)).runningEpochMs;
    },
    'journal settled': () => settle(arriving),
    'journal lost': () => advance('lost', true),
    'say running': () => say({ type: 'running', epochMs: arriving.runningEpochMs ?? Date.now(), pod: toPod(record), steps: arriving.steps() }),
    'say gone': answer('gone'),
    'say lost': answer('lost'),
    'say lost-running': answer('lost-running'),
    remove: async () => {
      if (arriving.init) await dismantle(record, arriving.init);
      await destroyPod(record);
    },
    doubt: () => markDoubt(record, { transfer: arriving.journal.transfer, reason: 'It has arrived, and the other host has not said whether it was given away there.' }),
    forget: () => insist(() => closeJournal(arriving.journal), new AbortController().signal), // nobody would come for it again
  };
}

/** A few blocks of the disk, for writing down where the POD is even when there are no others. */
export function reserveRoom(podId: string): void {
  writeFileSync(reservePath(podId), Buffer.alloc(reserveBytes, 1), { mode: 0o600 });
}

function reservePath(podId: string): string {
  return join(podPaths(podId).directory, 'reserve');
}

async function restoreAgain(arriving: Arriving): Promise<void> {
  const { record, environments, journal, mapId } = arriving;
  await dismantle(record, arriving.init);
  await using revival = await Revival.prepare(record, environments);
  const restored = await revival.restore({ images: podPaths(record.id).images, isClone: journal.isClone, mapId });
  arriving.init = restored.init;
  arriving.letRun = restored.letRun;
}

/** It runs, and so it is written down, however long the disk takes for that. Its files are on the disk before the source is told, which then removes its own. */
async function settle(arriving: Arriving): Promise<void> {
  const { record, init, journal } = arriving;
  const manifest = readManifest(podPaths(record.id).checkpoint);
  for (;;) {
    try {
      rmSync(reservePath(record.id), { force: true });
      if (manifest) record.state = { kind: 'suspended', at: manifest.createdAt, sizeBytes: sizeOf(manifest) };
      else record.state = { kind: 'running', init: init!, bootId: bootId(), since: new Date(arriving.runningEpochMs ?? Date.now()).toISOString() };
      saveRecord(record);
      if (!journal.isClone) {
        await run('sync', ['--file-system', podPaths(record.id).directory]);
        arriving.journal = advanceJournal(arriving.journal, { phase: 'settled' }, { isDurable: false });
      } else closeJournal(journal);
      break;
    } catch {
      await sleep(writeAgainMs);
    }
  }
  removeImages(record.id);
  if (manifest) rmSync(podPaths(record.id).run, { recursive: true, force: true });
}
