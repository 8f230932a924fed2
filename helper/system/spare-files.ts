/**
 * Files of zeros that are kept for the day on which the disk is full.
 *
 * PODs keep their files on the disk that we write down on where they are. One that fills it would stop every move and every delete, and freeing some room first would
 * not help: whoever fills a disk takes each block that becomes free. A spare file has its blocks already, so that what must be written goes into it in place.
 */
import { mkdirSync, openSync, readdirSync, closeSync, fsyncSync, renameSync, rmSync, statSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { writeWhole } from './write-whole';

export const spareBytes = 64 << 10;
const spareCount = 8;
const name = /^spare-[0-9a-f]{12}$/;

let directory: string | undefined;

/** Makes what is missing of them, as far as there is room, and lets `takeSpare` know where they are. */
export function provideSpares(place: string): void {
  directory = place;
  try {
    mkdirSync(place, { recursive: true, mode: 0o700 });
    for (let missing = spareCount - spares(place).length; missing > 0; missing--) makeSpare(place);
  } catch {
    // no room, or no disk to write on: as many as there are
  }
}

function spares(place: string): string[] {
  return readdirSync(place).filter((entry) => name.test(entry));
}

function makeSpare(place: string): void {
  const path = join(place, `spare-${randomBytes(6).toString('hex')}`);
  const fd = openSync(`${path}.new`, 'wx', 0o600);
  try {
    writeWhole(fd, Buffer.alloc(spareBytes)); // written, since blocks that are only set aside may still need others when they are used
    fsyncSync(fd);
    renameSync(`${path}.new`, path);
  } catch (error) {
    rmSync(`${path}.new`, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** Puts a spare file at `path`, where there must be nothing that matters; false when there is none, or none on that disk. */
export function takeSpare(path: string): boolean {
  if (directory === undefined) return false;
  try {
    for (const spare of spares(directory)) {
      if (statSync(join(directory, spare), { throwIfNoEntry: false })?.size !== spareBytes) continue;
      try {
        renameSync(join(directory, spare), path);
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return false; // gone: another helper was faster
      }
    }
  } catch {
    // nothing was ever provided
  }
  return false;
}
