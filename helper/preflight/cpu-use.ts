/**
 * Which programs of a POD may be using an instruction set.
 *
 * A program looks at the processor when it starts and lives by what it saw, so it breaks on one that has less. What it may do is what the code that is mapped
 * into it can do: its own, its libraries'. Code that it makes while it runs (a browser's, Java's) can do anything.
 */
import { readSync, statSync, openSync, closeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { descendants, readText } from '../criu/process-tree';
import { readFileIfThere, writeFileAtomic } from '../system/atomic-file';
import { readStat } from '../system/process';
import { findInstructionSets, longestBytes, recognisable } from './instruction-sets';

export interface CpuUse {
  flag: string;
  /** Names of the programs, one for each process. */
  programs: string[];
}

export interface CodeMapping {
  start: string;
  end: string;
  /** In the file, bytes. */
  offset: number;
  sizeBytes: number;
  /** Undefined for what the program has made itself. */
  file: string | undefined;
}

/** What was found in a file before, as long as the file is the same: by place, size and change. */
const cacheFile = '/run/zap/cpu-use.json';
const maxKept = 20_000;
/** Stands for code that cannot be read. */
const anything = '*';
/** Between two looks at other things that wait. */
const chunkBytes = 1 << 20;

/** Of these flags, those that programs of the tree may use, with the programs. */
export async function cpuUse(initPid: number, flags: readonly string[]): Promise<CpuUse[]> {
  const cache = new Map(Object.entries(JSON.parse(readFileIfThere(cacheFile) ?? '{}') as Record<string, string[]>));
  const knownBefore = cache.size;
  const users = new Map(flags.map((flag) => [flag, [] as string[]]));
  for (const pid of [initPid, ...descendants(initPid)]) {
    const name = readStat(pid)?.name;
    const maps = readText(`/proc/${pid}/maps`);
    if (name === undefined || !maps) continue; // it has ended, or is ending
    const sets = process.arch === 'x64' ? await instructionSetsOf(pid, codeMappings(maps), cache) : undefined;
    for (const [flag, programs] of users) if (!sets || !recognisable.has(flag) || sets.has(flag)) programs.push(name);
  }
  if (cache.size > knownBefore) writeFileAtomic(cacheFile, JSON.stringify(Object.fromEntries([...cache].slice(-maxKept))));
  return [...users].filter(([, programs]) => programs.length > 0).map(([flag, programs]) => ({ flag, programs }));
}

/** The executable parts of /proc/PID/maps, but for the kernel's own. */
export function codeMappings(maps: string): CodeMapping[] {
  return maps.split('\n').flatMap((line) => {
    const [, start, end, offset, inode, name] = /^([0-9a-f]+)-([0-9a-f]+) ..x. ([0-9a-f]+) \S+ (\d+) *(.*)$/.exec(line) ?? [];
    if (start === undefined || end === undefined || name!.startsWith('[v')) return [];
    const file = inode === '0' || name!.startsWith('/memfd:') || name!.startsWith('/dev/zero') ? undefined : name;
    return [{ start, end, offset: Number.parseInt(offset!, 16), sizeBytes: Number(BigInt(`0x${end}`) - BigInt(`0x${start}`)), file }];
  });
}

/** Undefined when it cannot be told. */
async function instructionSetsOf(pid: number, mappings: readonly CodeMapping[], cache: Map<string, string[]>): Promise<Set<string> | undefined> {
  if (mappings.some(({ file }) => file === undefined)) return undefined;
  const all = new Set<string>();
  for (const { start, end, offset, sizeBytes } of mappings) {
    const path = `/proc/${pid}/map_files/${start}-${end}`; // the very file, whatever its name leads to by now
    try {
      const { dev, ino, size, ctimeNs } = statSync(path, { bigint: true });
      const key = [dev, ino, size, ctimeNs, offset, sizeBytes].join(':');
      let sets = cache.get(key);
      if (!sets) {
        sets = (await isProgram(path)) ? [...(await instructionSetsIn(path, offset, sizeBytes))] : [anything];
        cache.set(key, sets);
      }
      if (sets.includes(anything)) return undefined;
      for (const set of sets) all.add(set);
    } catch {
      return undefined; // unmapped meanwhile: it changes its code
    }
  }
  return all;
}

/** Of 64 bits, for this kind of processor. What else is executed (of 32 bits, of Windows, of a runtime's own) nobody here can read. */
export async function isProgram(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(20), 0, 20, 0);
    return buffer.readUInt32BE(0) === 0x7f454c46 && buffer[4] === 2 && buffer.readUInt16LE(18) === 62;
  } finally {
    await file.close();
  }
}

/** Of the code in a part of a file. */
export async function instructionSetsIn(path: string, offset: number, sizeBytes: number): Promise<Set<string>> {
  const found = new Set<string>();
  const fd = openSync(path, 'r');
  try {
    for (let at = 0; at < sizeBytes; await turn()) {
      const code = Buffer.alloc(Math.min(chunkBytes, sizeBytes - at) + 2 * longestBytes);
      const readBytes = readSync(fd, code, 0, code.length, offset + at);
      const end = Math.min(readBytes, code.length - 2 * longestBytes);
      if (end <= 0) break;
      at += findInstructionSets(code, 0, end, found);
    }
  } finally {
    closeSync(fd);
  }
  return found;
}
