import { writeSync } from 'node:fs';

/** A disk that is nearly full takes the first part of a write and says nothing of the rest. */
export function writeWhole(fd: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
}
