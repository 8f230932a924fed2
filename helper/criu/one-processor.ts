/**
 * A POD's threads on one processor while CRIU works in them, and back on their own.
 *
 * On that processor CRIU goes before them: so none of them runs on when CRIU has been killed, until its warden has stopped them all. What they had is
 * noted in a file, for whoever is there to give it back: the helper, the warden, or the next helper.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { groupThreads } from '../system/cgroup';
import { onlyProcessor, processorsOf, useProcessors } from '../system/scheduling';

/** By mask, in hexadecimal. */
type Note = Record<string, number[]>;

/** Some microseconds for each thread, which must not run. */
export function gatherOnProcessor(podId: string, processor: number, file: string): void {
  const only = onlyProcessor(processor);
  const note: Note = {};
  const threads = groupThreads(podId);
  for (const tid of threads) {
    const mask = processorsOf(tid);
    if (mask) (note[mask.toString('hex').replace(/(?:00)+$/, '')] ??= []).push(tid);
  }
  writeFileSync(file, JSON.stringify(note), { mode: 0o600 });
  for (const tid of threads) useProcessors(tid, only);
}

/** Returns whether there was a note. Those that have ended, or are no longer the POD's, are passed over. */
export function spreadAgain(podId: string, file: string): boolean {
  let note: Note;
  try {
    note = JSON.parse(readFileSync(file, 'utf8')) as Note;
  } catch {
    return false;
  }
  const living = new Set(groupThreads(podId));
  for (const [hex, tids] of Object.entries(note)) {
    const mask = Buffer.from(hex, 'hex');
    for (const tid of tids) if (living.has(tid)) useProcessors(tid, mask);
  }
  rmSync(file, { force: true });
  return true;
}
