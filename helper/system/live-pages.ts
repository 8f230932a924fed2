/**
 * The memory of running processes that a checkpoint would have to carry, read without stopping them.
 *
 * PAGEMAP_SCAN (Linux 6.7) names the pages that are there and no file's; /proc/PID/mem gives their content. What changes meanwhile is found out when the
 * POD is frozen: nothing here has to be consistent.
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { makeScanBuffers, page, scanPages, type ScanBuffers } from './pagemap-scan';

export const pageBytes = 4096;
const readBytes = 1 << 20;
/** A smaller area costs more to track than to read. */
const worthwhileBytes = 64 << 10;

export interface Mapping {
  start: number;
  end: number;
  isExecutable: boolean;
  /** Shared memory that is no file in the POD's file system: a checkpoint carries all of it. */
  isSharedMemory: boolean;
  /** Memory of the process alone that is no file's and no code. */
  isPrivateMemory: boolean;
}

const namesOfMemory = /^(?:|\[heap\]|\[stack\]|\[anon:.*\])$/;

export function parseMaps(text: string): Mapping[] {
  return text.split('\n').flatMap((line) => {
    const match = /^([0-9a-f]+)-([0-9a-f]+) (....) [0-9a-f]+ \S+ (\d+) *(.*)$/.exec(line);
    if (!match) return [];
    const [, start, end, rights, inode, path] = match as unknown as [string, string, string, string, string, string];
    if (/^\[(?:vvar|vdso|vsyscall|uprobes)/.test(path) || rights[0] !== 'r') return [];
    const isSharedMemory = rights[3] === 's' && (inode === '0' || /^\/(?:memfd:|dev\/zero|SYSV)/.test(path));
    return [{ start: Number.parseInt(start, 16), end: Number.parseInt(end, 16), isExecutable: rights[2] === 'x', isSharedMemory, isPrivateMemory: isPrivateMemory(rights, inode, path) }];
  });
}

function isPrivateMemory(rights: string, inode: string, path: string): boolean {
  return rights[3] === 'p' && rights[2] !== 'x' && inode === '0' && namesOfMemory.test(path);
}

/** Areas of memory, those that may not be read at the moment included, which are worth being tracked. */
export function trackableAreas(maps: string): { start: number; end: number }[] {
  return maps.split('\n').flatMap((line) => {
    const match = /^([0-9a-f]+)-([0-9a-f]+) (....) [0-9a-f]+ \S+ (\d+) *(.*)$/.exec(line);
    if (!match) return [];
    const [, from, to, rights, inode, path] = match as unknown as [string, string, string, string, string, string];
    const [start, end] = [Number.parseInt(from, 16), Number.parseInt(to, 16)];
    return end - start >= worthwhileBytes && isPrivateMemory(rights, inode, path) ? [{ start, end }] : [];
  });
}

/** Ranges of pages that are present in a mapping. */
export function* presentRanges(pagemap: number, mapping: Mapping, buffers: ScanBuffers): Generator<[start: number, end: number]> {
  const none = mapping.isSharedMemory ? page.isZero : page.isZero | page.isFile;
  try {
    for (const { start, end } of scanPages(pagemap, mapping, { all: 0n, none, any: page.isPresent | page.isSwapped, told: page.isPresent }, buffers)) yield [start, end];
  } catch {
    // an area of which the kernel tells nothing
  }
}

/** Whole pages that lie together. */
export interface LivePages {
  address: number;
  isExecutable: boolean;
  /** Shared memory that several processes may map. */
  isSharedMemory: boolean;
  /** In a buffer that is used again for the next. */
  bytes: Buffer;
}

/** The process's memory piece by piece, in the order of its addresses; a process that ends meanwhile just yields less. */
export function* livePages(pid: number, buffers = makeBuffers()): Generator<LivePages> {
  let pagemap = -1;
  let memory: ProcessMemory | undefined;
  try {
    const maps = parseMaps(readFileSync(`/proc/${pid}/maps`, 'latin1'));
    pagemap = openSync(`/proc/${pid}/pagemap`, 'r');
    memory = ProcessMemory.open(pid);
    if (!memory) return;
    for (const mapping of maps) {
      const { isExecutable, isSharedMemory } = mapping;
      for (const [start, end] of presentRanges(pagemap, mapping, buffers)) {
        for (let address = start; address < end; ) {
          const bytes = memory.read(address, end - address, buffers.content);
          if (bytes.length === 0) break;
          yield { address, isExecutable, isSharedMemory, bytes };
          address += bytes.length;
        }
      }
    }
  } catch {
    // ended, or not to be read: the checkpoint brings what is missing
  } finally {
    memory?.[Symbol.dispose]();
    if (pagemap >= 0) closeSync(pagemap);
  }
}

/** What a process sees at its addresses, whoever may read it there. */
export class ProcessMemory implements Disposable {
  private constructor(private readonly fd: number) {}

  /** undefined when the process has none any more: it has ended, or is a zombie. */
  static open(pid: number): ProcessMemory | undefined {
    try {
      return new ProcessMemory(openSync(`/proc/${pid}/mem`, 'r'));
    } catch (error) {
      if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
      throw error;
    }
  }

  /** Whole pages from `address` on, into `buffer`: as many as are wanted, fit and can be read, perhaps none. */
  read(address: number, wantedBytes: number, buffer: Buffer): Buffer {
    let size = 0;
    try {
      size = readSync(this.fd, buffer, 0, Math.min(wantedBytes, buffer.length), address);
    } catch {
      // nothing is there (any more)
    }
    return buffer.subarray(0, size - (size % pageBytes));
  }

  /** undefined when not all of it is there. */
  readExactly(address: number, size: number): Buffer | undefined {
    const bytes = Buffer.alloc(size);
    try {
      return readSync(this.fd, bytes, 0, size, address) === size ? bytes : undefined;
    } catch {
      return undefined;
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.fd);
  }
}

export function makeBuffers(): ScanBuffers & { content: Buffer } {
  return { ...makeScanBuffers(), content: Buffer.allocUnsafeSlow(readBytes) };
}
