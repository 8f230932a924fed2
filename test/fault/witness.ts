/** What is true of a POD, seen from outside of everything: its processes, the number that it counts, what of it is where. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { HostView, PodRecordView } from '../integration/support/host-view';
import { hostNames, type FaultLab, type Host } from './fault-lab';

/** Its number grows every 20 ms. */
const activeWithinMs = 400;

export interface Life {
  token: string;
  count: number;
}

export interface Pod extends PodRecordView {
  token: string;
}

/** What the POD wrote last; its file is replaced many times a second. */
export async function lifeOf(view: HostView, id: string): Promise<Life | undefined> {
  for (let attempt = 0; attempt < 50; attempt++) {
    try {
      const [token, count] = readFileSync(view.path(`var/lib/zap/pods/${id}/layer/tmp/life`), 'utf8').trim().split(' ');
      if (token && count) return { token, count: Number(count) };
    } catch {
      // not written yet
    }
    await delay(10);
  }
  return undefined;
}

/** Whether its processes run at all: some that are neither stopped, nor in a control group that stands still. */
export function isLive(view: HostView, { id, uidBase }: PodRecordView): boolean {
  return !isFrozen(view, id) && view.processes(uidBase).some(({ isStopped }) => !isStopped);
}

function isFrozen(view: HostView, id: string): boolean {
  try {
    return readFileSync(view.path(`sys/fs/cgroup/zap/${id}/cgroup.freeze`), 'utf8').trim() === '1';
  } catch {
    return false;
  }
}

/** Whether some helper is at work on it: asked of the kernel, since trying the lock would keep a helper from it. */
export function isHeld(view: HostView, id: string): boolean {
  try {
    const { dev, ino } = statSync(view.path(`run/zap/locks/${id}`));
    const [major, minor] = [(dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xfff00)].map((part) => part.toString(16).padStart(2, '0'));
    return readFileSync('/proc/locks', 'utf8').includes(` ${major}:${minor}:${ino} `);
  } catch {
    return false; // no lock, or no host
  }
}

/** Hosts on which it runs. */
export function liveOn(lab: FaultLab, pod: PodRecordView): Host[] {
  return hostNames.filter((host) => {
    try {
      return lab.isUp(host) && isLive(lab.views[host], pod);
    } catch {
      return false; // going down
    }
  });
}

/**
 * Hosts on which its programs do something at the same time. Processes that are being made again from images run too, but nothing of the POD's yet: so it is looked at
 * what they write.
 */
export async function aliveTogether(lab: FaultLab, pod: PodRecordView): Promise<Host[]> {
  const before = new Map<Host, string>();
  for (const host of liveOn(lab, pod)) before.set(host, writtenOn(lab.views[host], pod.id));
  const active = new Set<Host>();
  const giveUpAtMs = performance.now() + activeWithinMs;
  while (before.size > 1 && active.size < before.size && performance.now() < giveUpAtMs) {
    await delay(5);
    const live = liveOn(lab, pod);
    for (const [host, text] of before) {
      const now = writtenOn(lab.views[host], pod.id);
      if (!live.includes(host)) before.delete(host);
      else if (now !== '' && now !== text) active.add(host);
    }
  }
  return before.size > 1 ? [...active] : [];
}

function writtenOn(view: HostView, id: string): string {
  try {
    return readFileSync(view.path(`var/lib/zap/pods/${id}/layer/tmp/life`), 'utf8');
  } catch {
    return '';
  }
}

/** What should not be on the host where the POD is at rest again: of transfers, of freezing, of a link left closed. */
export function untidy(view: HostView, pod: PodRecordView, isRunning: boolean): string[] {
  const found: string[] = view.journals().filter((journal) => journal.pod === pod.id).map(({ role, phase }) => `journal ${role} ${phase}`);
  for (const path of [`run/zap/images/${pod.id}`, `run/zap/pods/${pod.id}/freezing`, `run/zap/pods/${pod.id}/dumped`]) if (existsSync(view.path(path))) found.push(`file /${path}`);
  if (isRunning && existsSync(view.path(`var/lib/zap/pods/${pod.id}/checkpoint`))) found.push('an old checkpoint');
  if (!isRunning && existsSync(view.path(`run/zap/pods/${pod.id}`))) found.push(`file /run/zap/pods/${pod.id}`);
  if (isRunning && isFrozen(view, pod.id)) found.push('a frozen control group');
  const port = view.path(`sys/class/net/zap${pod.id}/brport/state`);
  if (isRunning && (!existsSync(port) || readFileSync(port, 'utf8').trim() !== '3')) found.push('a closed link');
  return found;
}
