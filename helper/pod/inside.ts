/** A look into files that the POD writes: its links are followed within its own root, as by one of its programs, and never out of it. */
import { closeSync, fstatSync, readSync } from 'node:fs';
import { O_NONBLOCK, O_PATH, O_RDONLY, openInRoot, openRoot } from '../system/paths';
import { podPaths } from './paths';
import type { PodRecord } from './record';

const maxFileBytes = 4 << 20;
const absentCodes = ['ENOENT', 'ENOTDIR', 'ELOOP', 'EXDEV', 'ENXIO', 'EACCES', 'ENAMETOOLONG'];

function inside<T>(record: PodRecord, path: string, flags: number, look: (fd: number) => T): T | undefined {
  const root = openRoot(podPaths(record.id).root);
  let fd = -1;
  try {
    fd = openInRoot(root, path, flags);
    return look(fd);
  } catch (error) {
    if (absentCodes.includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  } finally {
    if (fd >= 0) closeSync(fd);
    closeSync(root);
  }
}

export function isInside(record: PodRecord, path: string): boolean {
  return inside(record, path, O_PATH, () => true) ?? false;
}

/** The beginning of a file; empty where there is none, or something else. */
export function readInside(record: PodRecord, path: string): string {
  const text = inside(record, path, O_RDONLY | O_NONBLOCK, (fd) => {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return '';
    const buffer = Buffer.alloc(Math.min(stat.size, maxFileBytes));
    return buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, 0));
  });
  return text ?? '';
}
