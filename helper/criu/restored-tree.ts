/** Ending a tree that was restored but must not live. */
import { setTimeout as delay } from 'node:timers/promises';
import { ZapError } from '../protocol/errors';
import { identify, isAlive, type ProcessIdentity } from '../system/process';
import { descendants } from './process-tree';

const patienceMs = 10_000;

/**
 * Kills init and all below it, then CRIU, then waits until none is left. Zombies count as gone: nothing runs in them, and who adopted them reaps them.
 *
 * The order matters: CRIU traces the tasks, and a tracer's death lets its tasks run. And init, once killed, waits for its namespace to empty, which
 * traced tasks leave only when their tracer is gone: waiting for it before CRIU's end would be for ever.
 */
export async function killRestored(init: ProcessIdentity | undefined, endCriu: () => Promise<void>): Promise<void> {
  const tasks = init && isAlive(init) ? [init, ...descendants(init.pid).flatMap((pid) => identify(pid) ?? [])] : [];
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

function kill(task: ProcessIdentity): void {
  try {
    if (isAlive(task)) process.kill(task.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
