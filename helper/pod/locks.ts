/** Who has a POD: one operation at a time, told to the next one by name. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ZapError } from '../protocol/errors';
import { PodId } from '../protocol/model';
import { readFileIfThere } from '../system/atomic-file';
import { Lock } from '../system/lock';
import { podPaths, runRoot } from './paths';
import type { PodRecord } from './record';

/** Takes the POD for one operation; a second one is told who has it. */
export function lockPod(record: PodRecord, operation: string): Lock {
  mkdirSync(join(runRoot, 'locks'), { recursive: true, mode: 0o700 });
  const lock = Lock.try(podPaths(record.id).lock);
  if (lock) {
    writeFileSync(`${podPaths(record.id).lock}.holder`, operation, { mode: 0o600 });
    return lock;
  }
  const holder = readFileIfThere(`${podPaths(record.id).lock}.holder`) ?? 'another operation';
  throw new ZapError('pod/busy', `POD "${record.name}" is busy: ${holder}.`, { hint: 'Wait until that has ended, then try again.', data: { pod: record.name, operation: holder } });
}

/** Lets go of a POD that is not on this host any more. */
export function forgetLock(record: { id: string }, lock: Lock): void {
  rmSync(`${podPaths(record.id).lock}.holder`, { force: true });
  lock.remove();
}

/** Ids of PODs that have, or had, a lock. */
export function listLocks(): string[] {
  try {
    return readdirSync(join(runRoot, 'locks')).filter((name) => PodId.safeParse(name).success);
  } catch {
    return []; // nothing was ever locked
  }
}

/** Held for the short moment in which names, addresses and id ranges are compared and taken. */
export function lockHost(): Promise<Lock> {
  return Lock.take(join(runRoot, 'locks', 'host'));
}
