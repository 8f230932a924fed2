/** What the POD's programs wrote to their standard output, read from its files as a stranger's: no link is followed, nothing is read whole. */
import { closeSync, fstatSync, readSync } from 'node:fs';
import { O_NOFOLLOW, O_NONBLOCK, O_RDONLY, openAt, openBeneath, openRoot, readDirectory, toReadable } from '../system/paths';
import { podPaths } from './paths';
import type { PodRecord } from './record';

const maxBytes = 1 << 20;
const maxFiles = 20;

export function readLogs(record: PodRecord, lines: number): { name: string; text: string }[] {
  let root: number;
  let directory: number;
  try {
    root = openRoot(podPaths(record.id).layer);
  } catch {
    return [];
  }
  try {
    directory = openBeneath(root, 'var/log/zap', O_RDONLY | O_NOFOLLOW);
  } catch {
    return [];
  } finally {
    closeSync(root);
  }
  try {
    const names = [...readDirectory(directory)].flat().filter(({ name, stat }) => stat.type === 'file' && name.endsWith('.log')).map(({ name }) => name).sort().slice(0, maxFiles);
    return names.map((name) => ({ name: toReadable(name), text: tail(directory, name, lines) }));
  } finally {
    closeSync(directory);
  }
}

/** Empty for what has become something else meanwhile. */
function tail(directory: number, name: string, lines: number): string {
  let fd = -1;
  try {
    fd = openAt(directory, name, O_RDONLY | O_NONBLOCK);
    const stat = fstatSync(fd);
    if (!stat.isFile()) return '';
    const { size } = stat;
    const buffer = Buffer.alloc(Math.min(size, maxBytes));
    const read = readSync(fd, buffer, 0, buffer.length, Math.max(0, size - buffer.length));
    return buffer.subarray(0, read).toString().split('\n').slice(-lines - 1).join('\n');
  } catch (error) {
    if (['ENOENT', 'ELOOP', 'ENXIO'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}
