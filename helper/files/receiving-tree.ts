/** The tree that an archive is unpacked into: directories held open, names made room for, times of directories put right at the end. */
import { closeSync } from 'node:fs';
import { unsafeArchive } from './entry';
import { emptying } from './remove-tree';
import { goneCodes } from './walk';
import { O_DIRECTORY, O_NOFOLLOW, O_RDONLY, openBeneath, removeDirectoryAt, setTimeAt, statAt, statFd, unlinkAt } from '../system/paths';

type Time = [seconds: number, nanoseconds: number];
const maxOpenDirectories = 64;

export class ReceivingTree {
  private readonly open = new Map<string, number>();
  private readonly times = new Map<string, Time>();

  constructor(private readonly root: number) {}

  /** A directory beneath the root; its descriptor stays good at least until the next but one is asked for. */
  openDirectory(path: string): number {
    const known = this.open.get(path);
    if (known !== undefined) {
      this.open.delete(path);
      this.open.set(path, known); // the least lately used comes first
      return known;
    }
    const fd = this.openBeneath(path);
    if (this.open.size >= maxOpenDirectories) {
      const [oldest, oldestFd] = this.open.entries().next().value!;
      this.open.delete(oldest);
      closeSync(oldestFd);
    }
    this.open.set(path, fd);
    // What is made in a directory changes its time, also where the archive says nothing of the directory.
    if (!this.times.has(path)) {
      const stat = statFd(fd);
      this.times.set(path, [stat.modifySeconds, stat.modifyNanoseconds]);
    }
    return fd;
  }

  isDirectory(directory: number, name: string): boolean {
    return statAt(directory, name)?.type === 'directory';
  }

  /** Makes a name, in place of whatever bears it. */
  make<T>(directory: number, name: string, path: string, create: () => T): T {
    try {
      return create();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    this.clear(directory, name, path);
    return create();
  }

  /** Removes a name with all that is beneath it. */
  clear(directory: number, name: string, path: string): void {
    const stat = statAt(directory, name);
    if (!stat) return;
    if (stat.type !== 'directory') {
      unlinkAt(directory, name);
      return;
    }
    this.forget(path);
    const top = this.openBeneath(path);
    try {
      for (const _ of emptying(top));
    } finally {
      closeSync(top);
    }
    removeDirectoryAt(directory, name);
  }

  rememberTime(path: string, time: Time): void {
    this.times.set(path, time);
  }

  restoreTimes(): void {
    for (const [path, time] of this.times) {
      const fd = this.openBeneath(path);
      try {
        setTimeAt(fd, '', ...time);
      } finally {
        closeSync(fd);
      }
    }
    this.times.clear();
  }

  [Symbol.dispose](): void {
    for (const fd of this.open.values()) closeSync(fd);
    this.open.clear();
  }

  private openBeneath(path: string): number {
    try {
      return openBeneath(this.root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    } catch (error) {
      if (goneCodes.has((error as NodeJS.ErrnoException).code ?? '')) throw unsafeArchive('a path leads through something that is no directory of the tree', path, error);
      throw error;
    }
  }

  private forget(path: string): void {
    for (const [known, fd] of this.open) {
      if (known !== path && !known.startsWith(`${path}/`)) continue;
      closeSync(fd);
      this.open.delete(known);
    }
    for (const known of this.times.keys()) if (known === path || known.startsWith(`${path}/`)) this.times.delete(known);
  }
}
