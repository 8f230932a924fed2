/**
 * A lock between processes that dies with its holder.
 */
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { checked, libc } from '../../helper/system/native';

const flock = libc<[number, number]>('int flock(int fd, int operation)');
const lockExclusively = 2;
const withoutWaiting = 4;

/** Runs `action` while no other process runs one under the same lock file. */
export async function withLock<T>(path: string, action: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'a', 0o600);
  try {
    while (!tryLock(file.fd, path)) await delay(20);
    return await action();
  } finally {
    await file.close(); // which unlocks
  }
}

function tryLock(descriptor: number, path: string): boolean {
  try {
    checked(flock(descriptor, lockExclusively | withoutWaiting), 'flock', path);
    return true;
  } catch (error) {
    if (['EAGAIN', 'EINTR'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}
