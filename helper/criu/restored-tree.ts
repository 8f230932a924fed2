/** Ending a tree that was restored but must not live. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { ZapError } from '../protocol/errors';

/** A pid alone may be another process by the time one looks again. */
export interface TaskIdentity {
  pid: number;
  startTime: string;
}

const patienceMs = 10_000;

export function identify(pid: number): TaskIdentity {
  const stat = readStat(pid);
  return { pid, startTime: stat?.startTime ?? '' };
}

/** Zombies count as gone: nothing runs in them any more, and whoever adopted them reaps them. */
export function isAlive(task: TaskIdentity): boolean {
  const stat = readStat(task.pid);
  return stat !== undefined && stat.startTime === task.startTime && stat.state !== 'Z' && stat.state !== 'X';
}

/**
 * Kills init and all below it, then CRIU, then waits until none is left.
 *
 * The order matters: CRIU traces the tasks, and a tracer's death lets its tasks run. And init, once killed, waits for its namespace to empty, which
 * traced tasks leave only when their tracer is gone: waiting for it before CRIU's end would be for ever.
 */
export async function killRestored(init: TaskIdentity | undefined, endCriu: () => Promise<void>): Promise<void> {
  const tasks = init && isAlive(init) ? [init, ...descendants(init.pid)] : [];
  for (const task of tasks) kill(task);
  await endCriu();
  const deadline = performance.now() + patienceMs;
  while (tasks.some(isAlive)) {
    if (performance.now() > deadline) {
      throw new ZapError('criu/restored-tree-survives', 'Processes of a restore that was given up could not be ended.', {
        data: { pids: tasks.filter(isAlive).map((task) => task.pid) },
        hint: 'They wait in the kernel. Restart this host before the POD is used elsewhere.',
      });
    }
    await delay(2);
  }
}

function descendants(pid: number): TaskIdentity[] {
  const found: TaskIdentity[] = [];
  for (const child of childrenOf(pid)) found.push(identify(child), ...descendants(child));
  return found;
}

export function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter((word) => word !== '').map(Number),
    );
  } catch {
    return []; // ended meanwhile
  }
}

function kill(task: TaskIdentity): void {
  try {
    if (isAlive(task)) process.kill(task.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function readStat(pid: number): { state: string; startTime: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // the name may hold spaces and parentheses
    return { state: fields[0]!, startTime: fields[19]! };
  } catch {
    return undefined;
  }
}
