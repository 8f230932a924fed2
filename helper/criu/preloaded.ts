/**
 * Libraries that the host puts into every program (/etc/ld.so.preload: security agents, clock shifters), kept out of probes.
 *
 * A POD has an environment's root and never meets them. A probe has the host's, and such a library may hang or hold files where there is no /dev. No
 * variable and no option of the loader turns the file off, so the probe starts with nothing in its place, which must be gone before the dump.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { readText } from './process-tree';
import { readStat } from '../system/process';
import { run } from '../system/spawn';

const file = 'etc/ld.so.preload';
const loadWithinMs = 2_000;

/** A command line of the host under which nothing is preloaded: in a mount namespace of its own where the file is empty, if it is not already. */
export function withoutPreloaded(command: readonly [string, ...string[]]): [string, ...string[]] {
  if ((readText(`/${file}`) ?? '') === '') return [...command];
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', `mount --bind /dev/null /${file} && exec "$@"`, 'sh', ...command];
}

/** A line of shell for a script that stands in the new root, before it is the root. */
export const coverPreloaded = `[ ! -s ${file} ] || mount --bind /dev/null ${file}`;

/** Of the probe whose first process this is, a shell that is about to become its program. */
export async function uncoverPreloaded(pid: number): Promise<void> {
  const isCovered = (readText(`/proc/${pid}/mountinfo`) ?? '').split('\n').some((line) => line.split(' ')[4] === `/${file}`);
  if (!isCovered) return;
  const deadline = performance.now() + loadWithinMs;
  while (!isLoaded(pid) && performance.now() < deadline) await delay(2);
  await run('nsenter', ['--user', '--mount', '--pid', '--target', String(pid), 'umount', '--lazy', `/${file}`], { timeoutMs: loadWithinMs });
}

/** It is another program than the shell, and waits for something. */
function isLoaded(pid: number): boolean {
  const stat = readStat(pid);
  return stat === undefined || (stat.name !== 'sh' && stat.state === 'S');
}
