/** Every file of a tree, each directory before what is in it. */
import { closeSync } from 'node:fs';
import { joinPath } from './entry';
import { O_DIRECTORY, O_NOFOLLOW, O_RDONLY, openBeneath, readDirectory, statFd } from '../system/paths';
import type { FileStat } from '../system/stat';

export interface WalkStep {
  /** Byte string relative to the root; empty for the root itself. */
  path: string;
  stat: FileStat;
  /** The directory that holds it, open while this step is being looked at, and its name in there. The root is the name '' in itself. */
  directory: number;
  name: string;
}

/**
 * Walks a tree whose owner may change it meanwhile.
 *
 * Directories are opened by their path beneath the root without following any symbolic link, so that no change can lead the walk outside. A
 * directory that vanished is passed over.
 */
export function* walkTree(root: number): Generator<WalkStep> {
  yield { path: '', stat: statFd(root), directory: root, name: '' };
  const waiting = [''];
  for (let parent = waiting.pop(); parent !== undefined; parent = waiting.pop()) {
    const directory = openIfThere(root, parent);
    if (directory === undefined) continue;
    try {
      for (const batch of readDirectory(directory)) {
        for (const { name, stat } of batch) {
          const path = joinPath(parent, name);
          yield { path, stat, directory, name };
          if (stat.type === 'directory') waiting.push(path);
        }
      }
    } finally {
      closeSync(directory);
    }
  }
}

/** The error numbers by which the kernel says: this is not, or no longer, a directory beneath the root. */
export const goneCodes = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EXDEV']);

/** A directory beneath the root; nothing when there is none by this path. */
export function openIfThere(root: number, path: string): number | undefined {
  try {
    return openBeneath(root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    if (path !== '' && goneCodes.has((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
