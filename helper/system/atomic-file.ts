/** Files that are either the old or the new one, whatever happens. */
import { closeSync, fsyncSync, ftruncateSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeDirectories } from './directories';
import { spareBytes, takeSpare } from './spare-files';
import { writeWhole } from './write-whole';

/** Replaces `path`; after it returns the new content survives a power cut. On a full disk it goes into a spare file. */
export function writeFileAtomic(path: string, content: string): void {
  makeDirectories(dirname(path), 0o700);
  const partial = `${path}.${process.pid}.partial`;
  const bytes = Buffer.from(content);
  try {
    put(partial, 'w', bytes);
  } catch (error) {
    rmSync(partial, { force: true });
    if (!isFull(error) || bytes.length > spareBytes || !takeSpare(partial)) throw error;
    put(partial, 'r+', bytes);
  }
  renameSync(partial, path);
  const directory = openSync(dirname(path), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function put(path: string, flags: 'w' | 'r+', bytes: Buffer): void {
  const fd = openSync(path, flags, 0o600);
  try {
    writeWhole(fd, bytes);
    ftruncateSync(fd, bytes.length);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');
}

export function readFileIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
