/**
 * Faults inside a host: a full disk, a wrong clock.
 */
import { existsSync } from 'node:fs';
import { rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ZapError } from '../../helper/protocol/errors';
import { run } from '../../helper/system/spawn';
import type { Lab } from './lab';

const metadataBytes = 32 << 20;
const filler = 'var/lib/zap/.lab-filler';

export async function fillDisk(lab: Lab, hostName: string, leaveBytes: number): Promise<void> {
  if (!existsSync(join(lab.host(hostName).directory, 'disk.img'))) {
    throw new ZapError('lab/disk-not-bounded', `The disk of "${hostName}" cannot be filled: this machine has no loop devices, so the host shares its disk.`);
  }
  await emptyDisk(lab, hostName);
  const path = join(lab.rootOf(hostName), filler);
  const { bavail, bsize } = await statfs(join(path, '..'));
  const fillBytes = bavail * bsize - leaveBytes - (leaveBytes === 0 ? metadataBytes : 0);
  if (fillBytes > 0) await run('fallocate', ['-l', String(fillBytes), path]);
  // To the last block: the file system takes some for its own books on the way.
  if (leaveBytes === 0) await run('dd', ['if=/dev/zero', `of=${path}`, 'oflag=append', 'conv=notrunc', 'bs=64k']).catch(() => {});
}

export async function emptyDisk(lab: Lab, hostName: string): Promise<void> {
  await rm(join(lab.rootOf(hostName), filler), { force: true });
}

/**
 * CLOCK_REALTIME belongs to no namespace, so a library that every newly started program loads tells it the wrong time. It shifts CLOCK_MONOTONIC too.
 */
export async function skewClock(lab: Lab, hostName: string, seconds: number): Promise<void> {
  const root = lab.rootOf(hostName);
  const preload = join(root, 'etc/ld.so.preload');
  await rm(preload, { force: true });
  if (seconds === 0) return await rm(join(root, 'etc/faketimerc'), { force: true });
  await writeFile(join(root, 'etc/faketimerc'), `${seconds > 0 ? '+' : '-'}${Math.abs(seconds)}\n`);
  await writeFile(preload, '/usr/lib/libfaketime.so.1\n');
}
