/**
 * Putting right what a crash has left, each time a helper starts.
 *
 * Whatever is locked has a living helper and is none of our business. The rest is decided by the journals alone, in two parts: `local` before anything
 * else happens here, `remote` (which has to ask the other host) meanwhile.
 */
import { existsSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ZapError } from '../protocol/errors';
import { letGoOn } from '../checkpoint/freeze';
import { endedInCheckpoint, settleSuspended } from '../checkpoint/suspend';
import { resumeFilling } from '../criu/filling';
import type { EnvironmentStore } from '../files/environments';
import { planLink } from '../network/link-plan';
import { connect } from '../network/pod-link';
import { removeImages } from '../pod/images';
import { forgetLock, listLocks } from '../pod/locks';
import { fillingOf, podPaths } from '../pod/paths';
import { isRunning, listRecords, loadRecord, type PodRecord } from '../pod/record';
import { destroyPod, dismantle } from '../pod/remove';
import { Lock } from '../system/lock';
import { findJournal, readJournals } from './journal';
import { recoverSource } from './recover-source';
import { recoverTarget } from './recover-target';

const takeUpAgainMs = 1000;

export interface Recovery {
  local: Promise<void>;
  /** Resolves when nothing more is worth waiting for. */
  remote: Promise<void>;
}

export function recoverHost(environments: EnvironmentStore, log: (line: string) => void): Recovery {
  const remoteJobs: (() => Promise<void>)[] = [];
  const local = (async () => {
    await environments.recover();
    for (const entry of readJournals()) {
      const complain = (error: unknown): void => log(`transfer ${entry.transfer}: ${ZapError.from(error).message}`);
      const lock = Lock.try(podPaths(entry.pod).lock);
      if (!lock) continue;
      const recovered = entry.role === 'source' ? recoverSource(entry) : recoverTarget(entry, environments);
      const later = await recovered.catch(complain);
      if (!later?.isExclusive) release(lock, entry.pod);
      if (later) {
        remoteJobs.push(async () => {
          const job = later.run().catch(complain).finally(() => (later.isExclusive ? release(lock, entry.pod) : forgetLostLocks()));
          await (later.staysMs === Infinity ? job : Promise.race([job, sleep(later.staysMs)]));
        });
      }
    }
    forgetLostLocks();
    for (const record of listRecords()) await recoverRecord(record).catch((error: unknown) => log(`POD ${record.name}: ${ZapError.from(error).message}`));
  })();
  const remote = local.then(async () => void (await Promise.all(remoteJobs.map((job) => job()))));
  return { local, remote };
}

/** For a transfer whose end failed here, with a helper that lives on: taken up again as the next helper would. */
export async function takeUpAgain(transfer: string, environments: EnvironmentStore): Promise<void> {
  for (;;) {
    await sleep(takeUpAgainMs);
    const entry = findJournal(transfer, 'source') ?? findJournal(transfer, 'target');
    if (!entry) return;
    const lock = Lock.try(podPaths(entry.pod).lock);
    if (!lock) continue;
    let isHeld = true;
    const letGo = (): void => {
      if (isHeld) release(lock, entry.pod);
      isHeld = false;
    };
    try {
      const later = await (entry.role === 'source' ? recoverSource(entry) : recoverTarget(entry, environments));
      if (!later?.isExclusive) letGo();
      await later?.run();
      return;
    } catch {
      // the disk, say, does not work yet
    } finally {
      letGo();
    }
  }
}

/** A POD that recovery has removed leaves no lock behind either. */
function release(lock: Lock, podId: string): void {
  if (loadRecord(podId)) lock[Symbol.dispose]();
  else forgetLock({ id: podId }, lock);
}

/** Of PODs that left, or were removed, right before their helper died. */
function forgetLostLocks(): void {
  for (const name of listLocks()) {
    if (loadRecord(name)) continue;
    const lock = Lock.try(podPaths(name).lock);
    if (!lock) continue;
    if (loadRecord(name)) lock[Symbol.dispose](); // it arrives just now
    else forgetLock({ id: name }, lock);
  }
}

/** States that need no other host: a suspend that was cut off after the kill, a creation that was never finished. */
async function recoverRecord(record: PodRecord): Promise<void> {
  const lock = Lock.try(podPaths(record.id).lock);
  if (!lock) return;
  try {
    const now = loadRecord(record.id);
    if (!now) return;
    if (now.state.kind === 'creating') return void (await destroyPod(now));
    const { checkpoint, dumped, freezing, run } = podPaths(now.id);
    const manifest = endedInCheckpoint(now);
    if (manifest) {
      settleSuspended(now, manifest);
      removeImages(now.id);
      return void (await dismantle(now, undefined));
    }
    if (now.state.kind === 'suspended' || now.state.kind === 'running') removeImages(now.id); // of a suspend or resume that was cut off
    if (now.state.kind === 'suspended' && existsSync(run)) return void (await dismantle(now, undefined));
    if (!isRunning(now)) return;
    rmSync(checkpoint, { recursive: true, force: true });
    rmSync(dumped, { force: true });
    if (existsSync(freezing)) {
      rmSync(freezing, { force: true });
      connect(await planLink(now), now.state.init.pid);
    }
    letGoOn(now.id);
    await resumeFilling(fillingOf(now.id));
  } finally {
    release(lock, record.id);
  }
}
