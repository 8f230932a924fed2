/**
 * Advisory locks between helper processes of one host.
 *
 * flock(2): the kernel lets go when the holder dies, however it dies, so that a crash never leaves a POD locked.
 */
import { closeSync, fstatSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { libc } from './native';

const flock = libc<[number, number]>('int flock(int fd, int operation)');
const LOCK_EX = 2;
const LOCK_NB = 4;

export class Lock implements Disposable {
  private constructor(private fd: number, private readonly path: string) {}

  /** Takes the lock if nobody has it. Two locks of one process exclude each other as well. */
  static try(path: string): Lock | undefined {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const fd = openSync(path, 'a', 0o600);
    try {
      // An open file that is not to be waited for: the only "no" is that somebody has it.
      if (flock(fd, LOCK_EX | LOCK_NB) !== 0) {
        closeSync(fd);
        return undefined;
      }
      if (isSameFile(fd, path)) return new Lock(fd, path);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    closeSync(fd); // the holder before us removed the file: what we have locked has no name any more
    return Lock.try(path);
  }

  /** Waits for the lock; for sections that are known to be short. */
  static async take(path: string): Promise<Lock> {
    for (;;) {
      const lock = Lock.try(path);
      if (lock) return lock;
      await sleep(5);
    }
  }

  /** For a program that is to have it as well: it is held until all who have it are gone. */
  get descriptor(): number {
    return this.fd;
  }

  /** Gives the lock up together with its file. */
  remove(): void {
    rmSync(this.path, { force: true });
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    if (this.fd >= 0) closeSync(this.fd);
    this.fd = -1;
  }
}

function isSameFile(fd: number, path: string): boolean {
  const there = statSync(path, { throwIfNoEntry: false });
  return there !== undefined && there.ino === fstatSync(fd).ino;
}
