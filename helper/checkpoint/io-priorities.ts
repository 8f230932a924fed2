/** The I/O priorities of a POD's threads as a part of its checkpoint: CRIU does not know them. */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ioPriorityOf, setIoPriority } from '../system/io-priority';
import { innerPid } from '../system/process';

const fileName = 'io-priorities.json';
/** Best effort 0–7, and idle. What is above needs a right that no POD has, whatever a file says. */
const Priority = z.number().int().min(2 << 13).max((3 << 13) + 7);
/** By the number that a thread has in the POD. */
const IoPriorities = z.array(z.tuple([z.number().int().positive(), Priority])).max(1_000_000);
export type IoPriorities = z.infer<typeof IoPriorities>;

export function readIoPriorities(processes: readonly number[]): IoPriorities {
  return processes.flatMap(threadsOf).flatMap((thread): IoPriorities => {
    const value = ioPriorityOf(thread);
    const inner = value === undefined ? undefined : innerPid(thread);
    return inner === undefined || !Priority.safeParse(value).success ? [] : [[inner, value!]];
  });
}

export function saveIoPriorities(images: string, priorities: IoPriorities): void {
  if (priorities.length > 0) writeFileSync(join(images, fileName), JSON.stringify(priorities), { mode: 0o600 });
}

/** `processes` are all of the restored POD. */
export function loadIoPriorities(images: string, processes: readonly number[]): void {
  const path = join(images, fileName);
  if (!existsSync(path)) return;
  const saved = new Map(IoPriorities.parse(JSON.parse(readFileSync(path, 'utf8'))));
  for (const thread of processes.flatMap(threadsOf)) {
    const value = saved.get(innerPid(thread) ?? 0);
    if (value !== undefined) setIoPriority(thread, value);
  }
}

function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return []; // it has ended
  }
}
