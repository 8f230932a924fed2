/**
 * Which processes are a lab's, and their end.
 */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { processesInGroups } from './cgroups';
import { machineBootId } from './config';
import { readText } from './json-file';

/** Pid of a host's first process, when it is alive. The record carries start time and boot, since pids come back. */
export async function livePid(hostDirectory: string): Promise<number | undefined> {
  const [pid, startTime, bootId] = ((await readText(join(hostDirectory, 'pid'))) ?? '').trim().split(' ');
  if (!pid || bootId !== (await machineBootId())) return undefined;
  const stat = await processStat(Number(pid));
  return stat && stat.startTime === startTime && stat.state !== 'Z' ? Number(pid) : undefined;
}

async function processStat(pid: number): Promise<{ state: string; startTime: string } | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' '); // the name may hold anything
  return { state: fields[0]!, startTime: fields[19]! };
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
  const alive = await Promise.all([...pids].map(async (pid) => ((await processStat(pid))?.state ?? 'Z') !== 'Z'));
  return [...pids].filter((_, index) => alive[index]);
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
