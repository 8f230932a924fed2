/** The processes of a tree and what /proc links them to. All of it may end while one looks: what is gone reads as nothing. */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

export function childrenOf(pid: number): number[] {
  return listNames(`/proc/${pid}/task`).flatMap((thread) =>
    (readText(`/proc/${pid}/task/${thread}/children`) ?? '').split(' ').filter((word) => word !== '').map(Number),
  );
}

/** All below, nested pid namespaces included; parents before children. */
export function descendants(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendants(child)]);
}

/** Whether a process that is no descendant of `init`'s in one list of them really came from outside: one that was just made is in no list, but has a parent. */
export function isFromOutside(pid: number, init: number): boolean {
  for (let at = pid; ; ) {
    const stat = readText(`/proc/${at}/stat`);
    if (stat === undefined) return false; // it has ended
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    if (at === init || parent === init) return false;
    if (parent <= 1) return true;
    at = parent;
  }
}

export interface Descriptor {
  pid: number;
  fd: number;
  /** What the descriptor's link in /proc says: a path in the POD, `socket:[…]`, `anon_inode:…`. */
  target: string;
}

export function descriptorsOf(pid: number): Descriptor[] {
  return listNames(`/proc/${pid}/fd`).flatMap((name) => {
    const target = readLink(`/proc/${pid}/fd/${name}`);
    return target === undefined ? [] : [{ pid, fd: Number(name), target }];
  });
}

export function fdinfoOf(descriptor: Descriptor): string {
  return readText(`/proc/${descriptor.pid}/fdinfo/${descriptor.fd}`) ?? '';
}

export interface Mount {
  id: number;
  /** As the kernel has it: major << 20 | minor. */
  device: number;
  fileSystem: string;
}

export function mountsOf(pid: number): Mount[] {
  return (readText(`/proc/${pid}/mountinfo`) ?? '').split('\n').flatMap((line) => {
    const [left, right] = line.split(' - ');
    if (left === undefined || right === undefined) return [];
    const [id, , device] = left.split(' ');
    const [major, minor] = device!.split(':').map(Number);
    return [{ id: Number(id), device: major! * 2 ** 20 + minor!, fileSystem: right.split(' ')[0]! }];
  });
}

export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

export function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

export function listNames(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
