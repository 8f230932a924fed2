/**
 * Directories that are being filled.
 *
 * Each is locked by the process that fills it, so that one left behind by a crash can be told from one in use, and is removed by the next helper.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { makeDirectories } from '../system/directories';
import { Lock } from '../system/lock';
import { withUmask } from '../system/umask';
import { detachMount } from '../system/mounts';
import { removeTree } from './remove-tree';

const prefix = '.incomplete-';

export class IncompleteDirectory implements AsyncDisposable {
  readonly path: string;
  private readonly lock: Lock;

  constructor(parent: string) {
    makeDirectories(parent, 0o700);
    this.path = join(parent, `${prefix}${randomBytes(8).toString('hex')}`);
    // Locked before it can be found under its name.
    this.lock = Lock.try(lockPath(this.path))!;
    mkdirSync(this.path, { mode: 0o700 });
  }

  /** Makes a directory in it. */
  make(name: string, mode = 0o755): string {
    const path = join(this.path, name);
    withUmask(0, () => mkdirSync(path, { mode }));
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeIncomplete(this.path, this.lock);
  }
}

/** Removes what processes that are gone have left in a directory. */
export async function removeAbandoned(parent: string): Promise<void> {
  const names = new Set(readdirSync(parent).flatMap((name) => (name.startsWith(prefix) ? [name.replace(/\.lock$/, '')] : [])));
  for (const name of names) {
    const lock = Lock.try(lockPath(join(parent, name)));
    if (lock) await removeIncomplete(join(parent, name), lock);
  }
}

const lockPath = (path: string): string => `${path}.lock`;
const mountName = 'mount';
/** Where the tree in an incomplete directory may be mounted; taken away before anything is removed. */
export const mountPathOf = (incomplete: string): string => join(incomplete, mountName);

async function removeIncomplete(path: string, lock: Lock): Promise<void> {
  try {
    while (detachMount(mountPathOf(path)));
    await removeTree(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  } finally {
    rmSync(lockPath(path), { force: true });
    lock[Symbol.dispose]();
  }
}
