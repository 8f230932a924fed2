/**
 * Which processes are a lab's, and their end.
 */
import { readFileSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { processesInGroups } from './cgroups';

/** Pid of a host's first process, when it is alive. The record carries start time and boot, since pids come back. */
export function livePid(hostDirectory: string): number | undefined {
  const [pid, startTime, bootId] = (readNow(join(hostDirectory, 'pid')) ?? '').trim().split(' ');
  if (!pid || bootId !== readNow('/proc/sys/kernel/random/boot_id')?.trim()) return undefined;
  const stat = processStat(Number(pid));
  return stat && stat.startTime === startTime && stat.state !== 'Z' ? Number(pid) : undefined;
}

function processStat(pid: number): { state: string; startTime: string } | undefined {
  const text = readNow(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' '); // the name may hold anything
  return { state: fields[0]!, startTime: fields[19]! };
}

function readNow(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** Live processes of the lab, by group or by a mount namespace that shows the lab's directory. */
export async function labProcesses(labId: string, stateDirectory: string): Promise<number[]> {
  const pids = new Set(await processesInGroups(labId));
  const ownMounts = await readFile('/proc/self/mountinfo', 'utf8');
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const mounts = await readFile(`/proc/${name}/mountinfo`, 'utf8').catch(() => '');
    if (mounts !== ownMounts && mounts.includes(`upperdir=${stateDirectory}/`)) pids.add(Number(name));
  }
  return [...pids].filter((pid) => (processStat(pid)?.state ?? 'Z') !== 'Z');
}

/** Kills what `find` finds until it finds nothing; returns what would not die. */
export async function killAll(find: () => Promise<number[]>, withinMs = 10_000): Promise<number[]> {
  const giveUpAt = Date.now() + withinMs;
  for (;;) {
    const pids = await find();
    if (pids.length === 0 || Date.now() > giveUpAt) return pids;
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
    await delay(5);
  }
}
