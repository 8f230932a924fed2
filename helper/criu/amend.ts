/**
 * What CRIU's images know of a POD, and CRIU does not give back.
 *
 * The kernel shows no time left for a periodic timerfd that has expired and was not read, and CRIU restores that as a disarmed one. A segment of shared
 * memory that its program has removed already is made anew, and not removed again.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { imageMagic, readImage, replaceImage } from './images';
import { decode, encode } from './messages';

const typeField = 0x08;
const timerType = 17;
const SHM_DEST = 0o1000;

/** Periodic timers that expired fire again after their interval; returns how many there were. */
export function rearmTimers(directory: string): number {
  const path = join(directory, 'files.img');
  const image = readImage(readFileSync(path));
  let count = 0;
  const entries = image.entries.map((bytes) => {
    if (image.kind !== imageMagic.files || bytes[0] !== typeField || bytes[1] !== timerType) return bytes; // what is not decoded is kept as it is
    const entry = decode('FileEntry', bytes);
    const { timer } = entry;
    if (!timer || timer.valueSeconds + timer.valueNanoseconds > 0 || timer.intervalSeconds + timer.intervalNanoseconds === 0) return bytes;
    count += 1;
    return encode('FileEntry', { ...entry, timer: { ...timer, valueSeconds: timer.intervalSeconds, valueNanoseconds: timer.intervalNanoseconds } });
  });
  if (count > 0) replaceImage(path, { ...image, entries });
  return count;
}

/** Ids of segments that are to go with their last detach. */
export function removedSegments(directory: string): number[] {
  const names = readdirSync(directory).filter((name) => name.startsWith('ipcns-shm-'));
  const entries = names.map((name) => readImage(readFileSync(join(directory, name)))).flatMap((image) => (image.kind === imageMagic.segments ? image.entries : []));
  return entries.map((entry) => decode('SegmentEntry', entry).segment).filter(({ mode }) => (mode & SHM_DEST) !== 0).map(({ id }) => id);
}
