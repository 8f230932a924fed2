/**
 * The lab's control groups.
 *
 * One subtree `zap-lab-<id>/<host>` in cgroup v2 and in the v1 hierarchies that hold memory, pids and cpu, where a machine still has those.
 */
import { access, mkdir, readFile, readdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const controllers = ['memory', 'pids', 'cpu'];

export interface CgroupHierarchies {
  /** Mount point of cgroup v2. */
  unified: string | undefined;
  /** `options` names the whole hierarchy (`cpu,cpuacct`), as a second mount of it must. */
  v1: { controller: string; options: string; path: string }[];
}

export async function findHierarchies(): Promise<CgroupHierarchies> {
  const known = new Set((await readFile('/proc/cgroups', 'utf8')).split('\n').map((line) => line.split('\t')[0]));
  const hierarchies: CgroupHierarchies = { unified: undefined, v1: [] };
  for (const line of (await readFile('/proc/self/mountinfo', 'utf8')).split('\n')) {
    const [mount, filesystem] = line.split(' - ').map((half) => half.split(' '));
    const path = mount?.[4];
    if (!path || !filesystem) continue;
    if (filesystem[0] === 'cgroup2') hierarchies.unified ??= path;
    if (filesystem[0] !== 'cgroup') continue;
    const options = filesystem[2]!.split(',').filter((option) => known.has(option));
    for (const controller of controllers) {
      const isNew = !hierarchies.v1.some((other) => other.controller === controller);
      if (isNew && options.includes(controller)) hierarchies.v1.push({ controller, options: options.join(','), path });
    }
  }
  return hierarchies;
}

function groupDirectories(hierarchies: CgroupHierarchies, ...names: string[]): string[] {
  const roots = [hierarchies.unified, ...hierarchies.v1.map(({ path }) => path)].filter((path) => path !== undefined);
  return [...new Set(roots)].map((root) => join(root, ...names));
}

export function labGroup(labId: string): string {
  return `zap-lab-${labId}`;
}

/**
 * Makes a host's groups and returns the files that a process writes its pid to in order to join.
 *
 * `top` are the groups that become the roots of the host's cgroup namespace. In v2 the host's processes then live one level deeper, in `init`, because a
 * group with processes of its own cannot hand controllers to its children.
 */
export async function makeHostGroups(labId: string, host: string): Promise<{ top: string[]; leaf: string[] }> {
  const hierarchies = await findHierarchies();
  const directories = groupDirectories(hierarchies, labGroup(labId), host);
  for (const directory of directories) await mkdir(directory, { recursive: true });
  if (hierarchies.unified) {
    await mkdir(join(hierarchies.unified, labGroup(labId), host, 'init'), { recursive: true });
    for (const parent of [hierarchies.unified, join(hierarchies.unified, labGroup(labId))]) await handDownControllers(parent);
  }
  const procs = (directory: string) => join(directory, 'cgroup.procs');
  const leaf = directories.map((directory, index) => procs(hierarchies.unified && index === 0 ? join(directory, 'init') : directory));
  return { top: directories.map(procs), leaf };
}

async function handDownControllers(group: string): Promise<void> {
  const available = (await readFile(join(group, 'cgroup.controllers'), 'utf8')).trim().split(' ');
  const wanted = controllers.filter((controller) => available.includes(controller)).map((controller) => `+${controller}`);
  if (wanted.length > 0) await writeFile(join(group, 'cgroup.subtree_control'), wanted.join(' '));
}

/** Every process in the lab's groups, or in those of one host. */
export async function processesInGroups(labId: string, ...host: string[]): Promise<number[]> {
  const pids = new Set<number>();
  for (const top of groupDirectories(await findHierarchies(), labGroup(labId), ...host)) {
    for (const group of await groupsBelow(top)) {
      const text = await readFile(join(group, 'cgroup.procs'), 'utf8').catch(() => '');
      for (const line of text.split('\n')) if (Number(line) > 0) pids.add(Number(line));
    }
  }
  return [...pids];
}

/** Directories of the lab's groups that exist, deepest first. */
export async function existingGroups(labId: string, ...host: string[]): Promise<string[]> {
  const found: string[] = [];
  for (const top of groupDirectories(await findHierarchies(), labGroup(labId), ...host)) found.push(...(await groupsBelow(top)));
  return found;
}

async function groupsBelow(directory: string): Promise<string[]> {
  try {
    await access(directory);
    const entries = await readdir(directory, { withFileTypes: true });
    const below = await Promise.all(entries.filter((entry) => entry.isDirectory()).map((entry) => groupsBelow(join(directory, entry.name))));
    return [...below.flat(), directory];
  } catch {
    return []; // gone meanwhile
  }
}

/** Removes the groups; a group stays busy for a moment after its last process has died. */
export async function removeGroups(labId: string, ...host: string[]): Promise<void> {
  const giveUpAt = Date.now() + 5000;
  for (;;) {
    for (const group of await existingGroups(labId, ...host)) await rmdir(group).catch(() => {});
    if ((await existingGroups(labId, ...host)).length === 0 || Date.now() > giveUpAt) return;
    await delay(10);
  }
}
