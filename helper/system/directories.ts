import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * The directory and those above it, with `mode` for each that is new.
 *
 * Node's own recursive way tells of a file system that cannot be written to as ENOENT: here the kernel's word is passed on.
 */
export function makeDirectories(path: string, mode: number): void {
  if (existsSync(path)) return;
  makeDirectories(dirname(path), mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
