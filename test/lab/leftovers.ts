/**
 * What of a lab is still on the machine.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { existingGroups } from './cgroups';
import type { LabPlace } from './config';
import { labLinks } from './network';
import { labProcesses } from './processes';

/** Mount points of the machine's own namespace at or below a directory, deepest first. */
export async function mountsBelow(directory: string): Promise<string[]> {
  const points = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map((line) => line.split(' ')[4] ?? '');
  return points.filter((point) => point === directory || point.startsWith(`${directory}/`)).reverse();
}

/** One readable line for each thing found. Network namespaces live as long as the processes in them. */
export async function findLeftovers(place: LabPlace): Promise<string[]> {
  const processes = await labProcesses(place.labId, place.stateDirectory);
  const [mounts, links, groups] = await Promise.all([mountsBelow(place.stateDirectory), labLinks(place), existingGroups(place.labId)]);
  return [
    ...processes.map((pid) => `process ${pid}`),
    ...mounts.map((point) => `mount ${point}`),
    ...links.map((link) => `link ${link}`),
    ...groups.map((group) => `cgroup ${group}`),
    ...[place.stateDirectory, place.configFile, place.identityFile].filter((path) => existsSync(path)).map((path) => `file ${path}`),
  ];
}
