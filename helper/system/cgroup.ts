/**
 * A POD's control groups.
 *
 * cgroup v2 names what belongs to a POD and holds its limits where the kernel offers the controller there; on machines that still have the controllers
 * in v1 hierarchies (a hybrid layout) the limits are set in those. A POD never sees its groups: it has no cgroup mount.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Limits } from '../protocol/model';
import { ZapError } from '../protocol/errors';

type Controller = 'memory' | 'cpu' | 'pids';
const controllers: readonly Controller[] = ['memory', 'cpu', 'pids'];

interface Hierarchies {
  unified: string | undefined;
  /** v1 mount points by controller. */
  legacy: Map<Controller, string>;
}

let mounted: Hierarchies | undefined;

/** Looked for once: with many PODs the list of mounts is long. */
function hierarchies(): Hierarchies {
  if (mounted) return mounted;
  const found: Hierarchies = { unified: undefined, legacy: new Map() };
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [left, right] = line.split(' - ');
    if (!left || !right) continue;
    const mountPoint = left.split(' ')[4]!;
    const [type, , options = ''] = right.split(' ');
    if (type === 'cgroup2') found.unified ??= mountPoint;
    if (type === 'cgroup') {
      for (const controller of controllers) if (options.split(',').includes(controller)) found.legacy.set(controller, mountPoint);
    }
  }
  if (found.unified) mounted = found;
  return found;
}

/** In which form each controller is to be had; enabling it for the groups below is tried, since only that tells. */
function offered(from: Hierarchies): Map<Controller, 'v1' | 'v2'> {
  const result = new Map<Controller, 'v1' | 'v2'>();
  if (from.unified) {
    const parent = join(from.unified, 'zap');
    mkdirSync(parent, { recursive: true });
    for (const controller of controllers) {
      try {
        for (const group of [from.unified, parent]) writeFileSync(join(group, 'cgroup.subtree_control'), `+${controller}`);
        result.set(controller, 'v2');
      } catch {
        // not offered in v2
      }
    }
  }
  for (const controller of controllers) if (!result.has(controller) && from.legacy.has(controller)) result.set(controller, 'v1');
  return result;
}

/** Which limits this host can enforce. */
export function limitControllers(): Controller[] {
  return [...offered(hierarchies()).keys()];
}

/** The path that runc is told; it is relative to the root of every hierarchy. */
export function groupName(podId: string): string {
  return `/zap/${podId}`;
}

/** Makes the POD's groups with their limits; returns the files into which a process id is written to enter them. */
export function createGroups(podId: string, limits: Limits): string[] {
  const from = hierarchies();
  if (!from.unified) throw new ZapError('system/no-cgroup2', 'No cgroup2 file system is mounted on this host.', { hint: 'Mount it: mount -t cgroup2 cgroup2 /sys/fs/cgroup' });
  const has = offered(from);
  for (const [limit, controller] of [['memoryBytes', 'memory'], ['cpus', 'cpu'], ['pids', 'pids']] as const) {
    if (limits[limit] !== undefined && !has.has(controller)) {
      throw new ZapError('system/no-controller', `This host's kernel offers no "${controller}" cgroup controller, so the limit cannot be set.`, { hint: `Leave the limit out, or enable the ${controller} controller on the host.`, data: { controller } });
    }
  }
  const groups = new Set([join(from.unified, 'zap', podId)]);
  for (const [controller, version] of has) if (version === 'v1') groups.add(join(from.legacy.get(controller)!, 'zap', podId));
  for (const group of groups) mkdirSync(group, { recursive: true });
  const write = (controller: Controller, v1: [string, string][], v2: [string, string][]): void => {
    const version = has.get(controller);
    const base = version === 'v2' ? from.unified! : from.legacy.get(controller)!;
    for (const [file, value] of version === 'v2' ? v2 : v1) writeFileSync(join(base, 'zap', podId, file), value);
  };
  if (limits.memoryBytes !== undefined) write('memory', [['memory.limit_in_bytes', String(limits.memoryBytes)]], [['memory.max', String(limits.memoryBytes)]]);
  if (limits.cpus !== undefined) {
    const quotaUs = String(Math.round(limits.cpus * 100_000));
    write('cpu', [['cpu.cfs_period_us', '100000'], ['cpu.cfs_quota_us', quotaUs]], [['cpu.max', `${quotaUs} 100000`]]);
  }
  if (limits.pids !== undefined) write('pids', [['pids.max', String(limits.pids)]], [['pids.max', String(limits.pids)]]);
  return [...groups].map((group) => join(group, 'cgroup.procs'));
}

/** Puts one process, and what it starts from now on, into the groups. */
export function enterGroups(procsFiles: readonly string[], pid: number): void {
  for (const file of procsFiles) writeFileSync(file, String(pid));
}

/** The cgroup v2 group that this helper itself is in, as the file to enter it by. */
export function ownGroup(): string {
  const path = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/';
  return join(hierarchies().unified ?? '', path, 'cgroup.procs');
}

/**
 * Stops everything in the POD's group, or lets it go on; what arrives in a frozen group stops as well. Only death is not stopped. Returns whether the
 * group is frozen afterwards; without `isFrozen` it only tells.
 */
export function freezeGroup(podId: string, isFrozen?: boolean): boolean {
  const file = join(hierarchies().unified ?? '', 'zap', podId, 'cgroup.freeze');
  if (isFrozen !== undefined) writeFileSync(file, isFrozen ? '1' : '0');
  return existsSync(file) && readFileSync(file, 'utf8').trim() === '1';
}

/** Whether all in the POD's group stand still by now. */
export function isGroupStill(podId: string): boolean {
  const file = join(hierarchies().unified ?? '', 'zap', podId, 'cgroup.events');
  return existsSync(file) && /^frozen 1$/m.test(readFileSync(file, 'utf8'));
}

/** All threads of the processes in the POD's group. */
export function groupThreads(podId: string): number[] {
  const file = join(hierarchies().unified ?? '', 'zap', podId, 'cgroup.threads');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter((line) => line !== '').map(Number) : [];
}

/** The processes in the POD's group, without those that have ended. */
export function groupMembers(podId: string): number[] {
  const file = join(hierarchies().unified ?? '', 'zap', podId, 'cgroup.procs');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter((line) => line !== '').map(Number) : [];
}

/** Removes the POD's groups; a group empties a moment after its last process was reaped. */
export async function removeGroups(podId: string): Promise<void> {
  for (const group of existingGroups(podId)) {
    for (let attempt = 0; existsSync(group); attempt++) {
      try {
        removeTree(group);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EBUSY' || attempt > 400) throw error;
        await sleep(5);
      }
    }
  }
}

export function existingGroups(podId: string): string[] {
  const from = hierarchies();
  const roots = new Set([...(from.unified ? [from.unified] : []), ...from.legacy.values(), ...legacyRoots()]);
  return [...roots].map((root) => join(root, 'zap', podId)).filter((group) => existsSync(group));
}

/** runc makes its group in every v1 hierarchy, not only in those that hold limits. */
function legacyRoots(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter((line) => / - cgroup /.test(line)).map((line) => line.split(' ')[4]!);
}

function removeTree(group: string): void {
  for (const entry of readdirSync(group, { withFileTypes: true })) if (entry.isDirectory()) removeTree(join(group, entry.name));
  rmdirSync(group);
}

/** Processor seconds used by the POD so far on this host. */
export function cpuSeconds(podId: string): number {
  const { unified } = hierarchies();
  if (!unified) return 0;
  try {
    const text = readFileSync(join(unified, 'zap', podId, 'cpu.stat'), 'utf8');
    return Number(/^usage_usec (\d+)/m.exec(text)?.[1] ?? 0) / 1e6;
  } catch {
    return 0;
  }
}

