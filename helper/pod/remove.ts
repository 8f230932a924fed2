/** Taking a POD apart, and the proof that nothing of it is left. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ZapError } from '../protocol/errors';
import { endFilling } from '../criu/filling';
import { unmountPodRoot } from '../files/pod-root';
import { outerName } from '../network/link-plan';
import { removeLink } from '../network/pod-link';
import { existingGroups, removeGroups } from '../system/cgroup';
import { reach } from '../system/fault-point';
import { detachMount, idsPerPod } from '../system/mounts';
import { isAlive, killNamespace, listProcesses, type ProcessIdentity } from '../system/process';
import { removeImages } from './images';
import { podPaths, runRoot } from './paths';
import type { PodRecord } from './record';
import { forgetSandbox } from './sandbox';

/** Ends the POD's processes and removes everything that exists only while it runs: mounts, link, groups. Its files stay. */
export async function dismantle(record: PodRecord, init: ProcessIdentity | undefined): Promise<void> {
  if (init) await killNamespace(init);
  await killGroups(record.id);
  const paths = podPaths(record.id);
  await endFilling(paths.filling);
  while (detachMount(paths.shm));
  unmountPodRoot({ envMount: paths.envMount, mountpoint: paths.root });
  forgetSandbox(record.id);
  await removeLink(record.id);
  await removeGroups(record.id);
  rmSync(paths.run, { recursive: true, force: true });
}

function initOf(record: PodRecord): ProcessIdentity | undefined {
  const state = record.state.kind === 'leaving' ? record.state.was : record.state;
  return state.kind === 'running' ? state.init : undefined;
}

/** Removes the POD whole. */
export async function destroyPod(record: PodRecord): Promise<void> {
  reach('destroy: processes');
  await dismantle(record, initOf(record));
  reach('destroy: files');
  removeImages(record.id);
  rmSync(podPaths(record.id).directory, { recursive: true, force: true });
}

/** Processes that are in the POD's groups without being in its pid namespace: those of a sandbox that was not finished, and of exec. */
async function killGroups(podId: string): Promise<void> {
  for (const group of existingGroups(podId)) {
    for (const line of readFileSync(join(group, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean)) {
      try {
        process.kill(Number(line), 'SIGKILL');
      } catch {
        // gone by itself
      }
    }
  }
}

/** Names everything of the POD that is still on this host; empty is the proof that it left. */
export function leftovers(record: PodRecord): string[] {
  const paths = podPaths(record.id);
  const found: string[] = [];
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const mountPoint = line.split(' ')[4];
    if (mountPoint?.startsWith(paths.run) || mountPoint?.startsWith(paths.directory) || mountPoint === paths.images) found.push(`mount ${mountPoint}`);
  }
  if (existsSync(`/sys/class/net/${outerName(record.id)}`)) found.push(`link ${outerName(record.id)}`);
  for (const group of existingGroups(record.id)) found.push(`cgroup ${group}`);
  for (const path of [paths.run, paths.directory, paths.images, join(runRoot, 'runc', record.id)]) if (existsSync(path)) found.push(`file ${path}`);
  const init = initOf(record);
  if (init && isAlive(init)) found.push(`process ${init.pid}`);
  found.push(...processesWithIds(record.uidBase));
  return found;
}

/** Processes whose user lies in the POD's private id range. */
function processesWithIds(uidBase: number): string[] {
  return listProcesses().flatMap((pid) => {
    try {
      const uid = Number(/^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]);
      return uid >= uidBase && uid < uidBase + idsPerPod ? [`process ${pid}`] : [];
    } catch {
      return [];
    }
  });
}

export function requireNothingLeft(record: PodRecord): void {
  const left = leftovers(record);
  if (left.length > 0) {
    throw new ZapError('move/leftovers', `POD "${record.name}" has left, but this host still has something of it: ${left.join(', ')}.`, { hint: 'Remove it by hand, and report this.', data: { leftovers: left } });
  }
}
