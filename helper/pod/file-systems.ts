/** What of the host's is mounted for a POD: its root of environment and layer, and its /dev/shm. */
import { chmodSync, chownSync, closeSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { EnvironmentStore } from '../files/environments';
import { mountPodEnvironment, mountPodRoot } from '../files/pod-root';
import { attachMount, newFilesystem } from '../system/mounts';
import { podPaths, runRoot } from './paths';
import type { PodRecord } from './record';

/** What of the POD's file system can be mounted while its layer still changes. */
export async function mountAround(record: PodRecord, environments: EnvironmentStore): Promise<void> {
  const { envMount, shm } = podPaths(record.id);
  makeRunDirectory(record);
  await mountPodEnvironment({ environmentTree: environments.treePath(record.environment.digest), envMount, uidBase: record.uidBase });
  mountShm(shm, record.uidBase);
}

/** Mounts the POD's root from its environment and its layer, which must be complete. */
export async function mountRoot(record: PodRecord, environments: EnvironmentStore): Promise<void> {
  const { envMount, layer, root, work } = podPaths(record.id);
  mkdirSync(work, { recursive: true, mode: 0o700 });
  chownSync(work, record.uidBase, record.uidBase);
  await mountPodRoot({ environmentTree: environments.treePath(record.environment.digest), layer: { upper: layer, work }, envMount, mountpoint: root, uidBase: record.uidBase });
}

function mountShm(path: string, uidBase: number): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const mount = newFilesystem('tmpfs', { mode: '1777', uid: String(uidBase), gid: String(uidBase) });
  try {
    attachMount(mount, path);
  } finally {
    closeSync(mount);
  }
}

/** The POD's first process looks its root up with the POD's own ids: it may pass through, nobody else of the host may. */
function makeRunDirectory(record: PodRecord): void {
  const { run } = podPaths(record.id);
  mkdirSync(run, { recursive: true, mode: 0o700 });
  for (const path of [runRoot, dirname(run)]) chmodSync(path, 0o711);
  chownSync(run, 0, record.uidBase);
  chmodSync(run, 0o710);
}
