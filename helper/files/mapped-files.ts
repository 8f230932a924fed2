/** Files that processes write to without a system call, through shared mappings. */
import { readFileSync } from 'node:fs';

/** Paths as the processes see them, without the leading slash (byte strings). */
export function sharedWritableFiles(pids: Iterable<number>): Set<string> {
  const found = new Set<string>();
  for (const pid of pids) {
    for (const line of mapsOf(pid).split('\n')) {
      // address, permissions, offset, device, inode, path
      const path = /^\S+ .w.s \S+ \S+ \S+ +\/(.*)$/.exec(line)?.[1];
      if (path !== undefined) found.add(path.replaceAll('\\012', '\n'));
    }
  }
  return found;
}

function mapsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/maps`, 'latin1');
  } catch {
    return ''; // ended meanwhile
  }
}
