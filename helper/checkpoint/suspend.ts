/** A POD that rests on its host as a checkpoint, and comes back from it. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { findCriu, formatVersion } from '../criu/features';
import { isFilling, whenFilled } from '../criu/filling';
import { inspectTree } from '../criu/inspect';
import type { EnvironmentStore } from '../files/environments';
import { ZapError } from '../protocol/errors';
import type { Progress, Seal, Step } from '../protocol/model';
import { answerWithinMs, requireSilence } from '../network/uplink';
import { makeImages, removeImages } from '../pod/images';
import { lockPod } from '../pod/locks';
import { fillingOf, podPaths } from '../pod/paths';
import { isRunning, observe, requireRunning, saveRecord, type PodRecord, type RunningState } from '../pod/record';
import { dismantle } from '../pod/remove';
import { memoryFreeBytes } from '../preflight/facts';
import { reach } from '../system/fault-point';
import { insist } from '../system/insist';
import { bootId, isAlive } from '../system/process';
import { Freeze, isDumped } from './freeze';
import { manifestName, readManifest, sizeOf, updateManifestInit, verifyManifest, type Manifest } from './manifest';
import { Revival } from './revive';
import { Steps } from './steps';
import { openCheckpoint, storeCheckpoint } from './store';

export interface SuspendResult {
  frozenMs: number;
  sizeBytes: number;
  steps: Step[];
}

export async function suspendPod(record: PodRecord, seal: Seal, progress: (progress: Progress) => void, signal: AbortSignal): Promise<SuspendResult> {
  requireRunning(record, 'be suspended');
  if (!isRunning(record)) throw new Error('unreachable');
  using _lock = lockPod(record, 'being suspended');
  const steps = new Steps(progress, signal, 'suspend');
  const { checkpoint, images, filling } = podPaths(record.id);
  const init = record.state.init;
  let manifest: Manifest | undefined;
  if (isFilling(filling)) await steps.run('memory of the last move', () => whenFilled(fillingOf(record.id), signal));
  const startedMs = performance.now();
  rmSync(checkpoint, { recursive: true, force: true });
  const criuVersion = formatVersion((await findCriu()).version);
  try {
    requireRoom(record);
    makeImages(record.id);
    await using freeze = await Freeze.prepare(record, { images, isClone: false, steps });
    await steps.run('freeze and dump', () =>
      freeze.freeze(async () => {
        if (signal.aborted) return 'resume';
        reach('suspend: dumped');
        manifest = await steps.run('encrypt and store', () => storeCheckpoint(images, checkpoint, { podId: record.id, criuVersion, init, seal, signal })); // from the kill on, this is the POD
        reach('suspend: written');
        return signal.aborted ? 'resume' : 'kill';
      }),
    );
    if (isAlive(init)) signal.throwIfAborted();
  } catch (error) {
    if (!isDumped(record) || isAlive(init)) {
      rmSync(checkpoint, { recursive: true, force: true });
      throw error;
    }
    // Its processes were killed while they stood there dumped: the checkpoint is what there is of it.
    manifest ??= await storeCheckpoint(images, checkpoint, { podId: record.id, criuVersion, init, seal });
  } finally {
    removeImages(record.id);
  }
  const frozenMs = performance.now() - startedMs;
  await insist(() => settleSuspended(record, manifest!), signal);
  await steps.runAnyway('clean up', () => dismantle(record, init));
  return { frozenMs, sizeBytes: sizeOf(manifest!), steps: steps.done };
}

/** The images are made in memory, whatever their size: a disk would keep plain copies of what the POD knows. */
function requireRoom(record: PodRecord & { state: RunningState }): void {
  const [needBytes, freeBytes] = [inspectTree(record.state.init.pid).totals.memoryBytes, memoryFreeBytes()];
  if (needBytes <= freeBytes) return;
  throw new ZapError('checkpoint/no-room', `The host has too little free memory to take a checkpoint of POD "${record.name}": ${Math.round(freeBytes / 2 ** 20)} MiB, needed ${Math.round(needBytes / 2 ** 20)} MiB.`, {
    hint: 'Free memory on the host, or move the POD to another one while it runs.',
    data: { needBytes, freeBytes },
  });
}

/** For whoever holds the key in another form. */
export function describeCheckpoint(record: PodRecord): { podId: string; wrapped: string; createdAt: string; sizeBytes: number } {
  requireSuspended(record);
  const manifest = verifyManifest(podPaths(record.id).checkpoint, record.id);
  return { podId: record.id, wrapped: manifest.seal.wrapped, createdAt: manifest.createdAt, sizeBytes: sizeOf(manifest) };
}

export function settleSuspended(record: PodRecord, manifest: Manifest): void {
  record.state = { kind: 'suspended', at: manifest.createdAt, sizeBytes: sizeOf(manifest) };
  saveRecord(record);
}

/** Whether the record's last run ended in this checkpoint, although the helper did not live to write that down. */
export function endedInCheckpoint(record: PodRecord): Manifest | undefined {
  if (record.state.kind !== 'running' || isAlive(record.state.init)) return undefined;
  const manifest = readManifest(podPaths(record.id).checkpoint);
  const { init } = record.state;
  return manifest?.init?.pid === init.pid && manifest.init.startTicks === init.startTicks ? manifest : undefined;
}

export interface ResumeResult {
  restoreMs: number;
  steps: Step[];
}

export function requireSuspended(record: PodRecord): void {
  const state = observe(record);
  if (state.kind !== 'suspended') {
    throw new ZapError('pod/wrong-state', `POD "${record.name}" is ${state.kind}, so it cannot be resumed.`, { hint: 'Only a suspended POD can be resumed.', data: { pod: record.name, state: state.kind } });
  }
}

export async function resumePod(record: PodRecord, key: string, environments: EnvironmentStore, progress: (progress: Progress) => void, signal: AbortSignal): Promise<ResumeResult> {
  requireSuspended(record);
  using _lock = lockPod(record, 'being resumed');
  const steps = new Steps(progress, signal, 'resume');
  const { checkpoint, images } = podPaths(record.id);
  makeImages(record.id);
  using _images = { [Symbol.dispose]: () => removeImages(record.id) };
  const silence = record.network.profile === 'lan' ? requireSilence(record.network.address, { withinMs: answerWithinMs }) : Promise.resolve();
  silence.catch(() => {}); // who waits for it is told
  await steps.run('verify and decrypt', () => openCheckpoint(checkpoint, images, { podId: record.id, key, signal }));
  await silence;
  await using revival = await steps.run('prepare', () => Revival.prepare(record, environments));
  const startedMs = performance.now();
  const restored = await steps.run('restore', () => revival.restore({ images, isClone: false }));
  try {
    signal.throwIfAborted();
    // From here on the record names the new processes; should they die before they ever ran, the manifest that names them too makes it suspended again.
    updateManifestInit(checkpoint, restored.init);
    record.state = { kind: 'running', init: restored.init, bootId: bootId(), since: new Date().toISOString() };
    saveRecord(record);
    reach('resume: written');
  } catch (error) {
    await dismantle(record, restored.init);
    settleSuspended(record, readManifest(checkpoint)!);
    throw error;
  }
  restored.letRun();
  const restoreMs = performance.now() - startedMs;
  reach('resume: let run');
  const removeCheckpoint = (): void => {
    rmSync(join(checkpoint, manifestName), { force: true }); // first: what is half removed is no checkpoint
    rmSync(checkpoint, { recursive: true, force: true });
  };
  await insist(removeCheckpoint, signal).catch(() => {}); // it runs; the next helper removes it
  return { restoreMs, steps: steps.done };
}
