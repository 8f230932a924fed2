/** A network namespace with nothing in it, for tests: it lasts as long as the process that holds it. */
import { readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { start } from './spawn';

const heldSeconds = 60;

export async function openNetwork(): Promise<{ pid: number; close: () => void }> {
  const holder = start('unshare', ['--net', 'sleep', String(heldSeconds)], { stdio: 'ignore' });
  const pid = holder.pid!;
  const own = readlinkSync('/proc/self/ns/net');
  while (readlinkSync(`/proc/${pid}/ns/net`) === own) await sleep(5);
  return { pid, close: () => void holder.kill('SIGKILL') };
}
