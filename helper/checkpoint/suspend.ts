/** A POD that rests on its host as a checkpoint, and comes back from it. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { findCriu, formatVersion } from '../criu/features';
import type { EnvironmentStore } from '../files/environments';
import { ZapError } from '../protocol/errors';
import type { Progress, Step } from '../protocol/model';
import { isRunning, lockPod, observe, podPaths, requireRunning, saveRecord, type PodRecord } from '../pod/record';
import { dismantle } from '../pod/remove';
import { bootId, isAlive, type ProcessIdentity } from '../system/process';
import { run } from '../system/spawn';
import { Freeze } from './freeze';
import { imagesName, readManifest, updateManifestInit, verifyCheckpoint, writeManifest, type Manifest } from './manifest';
import { Revival } from './revive';
import { Steps } from './steps';

export interface SuspendResult {
  frozenMs: number;
  sizeBytes: number;
  steps: Step[];
}

export async function suspendPod(record: PodRecord, progress: (progress: Progress) => void, signal: AbortSignal): Promise<SuspendResult> {
  requireRunning(record, 'be suspended');
  if (!isRunning(record)) throw new Error('unreachable');
  using _lock = lockPod(record, 'being suspended');
  const steps = new Steps(progress, signal);
  const { checkpoint } = podPaths(record.id);
  const init = record.state.init;
  let manifest: Manifest | undefined;
  const startedMs = performance.now();
  rmSync(checkpoint, { recursive: true, force: true });
  try {
    await using freeze = await Freeze.prepare(record, { images: join(checkpoint, imagesName), isClone: false, steps });
    const criuVersion = formatVersion((await findCriu()).version);
    await steps.run('freeze and dump', () =>
      freeze.freeze(async () => {
        if (signal.aborted) return 'resume';
        manifest = await writeManifest(checkpoint, { podId: record.id, criuVersion, init });
        await run('sync', ['--file-system', checkpoint]); // from the kill on, this is the POD
        return signal.aborted ? 'resume' : 'kill';
      }),
    );
    if (isAlive(init)) signal.throwIfAborted();
  } catch (error) {
    rmSync(checkpoint, { recursive: true, force: true });
    throw error;
  }
  const frozenMs = performance.now() - startedMs;
  settleSuspended(record, manifest!);
  await steps.runAnyway('clean up', () => dismantle(record, init));
  return { frozenMs, sizeBytes: sizeOf(manifest!), steps: steps.done };
}

export function sizeOf(manifest: Manifest): number {
  return manifest.parts.reduce((sum, part) => sum + part.sizeBytes, 0);
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

export async function resumePod(record: PodRecord, environments: EnvironmentStore, progress: (progress: Progress) => void, signal: AbortSignal): Promise<ResumeResult> {
  requireSuspended(record);
  using _lock = lockPod(record, 'being resumed');
  const steps = new Steps(progress, signal);
  const { checkpoint } = podPaths(record.id);
  await steps.run('verify checkpoint', () => verifyCheckpoint(checkpoint, record.id));
  await using revival = await steps.run('prepare', () => Revival.prepare(record, environments));
  const startedMs = performance.now();
  const hold = async (init: ProcessIdentity): Promise<void> => {
    signal.throwIfAborted();
    // From here on the record names the new processes; should they die before they ever ran, the manifest that names them too makes it suspended again.
    updateManifestInit(checkpoint, init);
    record.state = { kind: 'running', init, bootId: bootId(), since: new Date().toISOString() };
    saveRecord(record);
  };
  const revived = await steps.run('restore', () => revival.revive({ images: join(checkpoint, imagesName), isClone: false, hold })).catch((error: unknown) => {
    settleSuspended(record, readManifest(checkpoint)!);
    throw error;
  });
  const restoreMs = performance.now() - startedMs;
  record.state = revived.state;
  saveRecord(record);
  rmSync(checkpoint, { recursive: true, force: true });
  return { restoreMs, steps: steps.done };
}
