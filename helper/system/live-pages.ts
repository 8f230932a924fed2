/**
 * The memory of running processes that a checkpoint would have to carry, read without stopping them.
 *
 * PAGEMAP_SCAN (Linux 6.7) names the pages that are there and no file's; /proc/PID/mem gives their content. What changes meanwhile is found out when the
 * POD is frozen: nothing here has to be consistent.
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { addressOf, libc } from './native';

const ioctl = libc<[number, number, Uint8Array]>('int ioctl(int fd, unsigned long request, _Inout_ uint8_t *argument)');
const PAGEMAP_SCAN = 0xc0606610;
const argumentBytes = 96;
const regionBytes = 24;
const maxRegions = 1024;
const PAGE_IS_FILE = 4n;
const PAGE_IS_PRESENT = 8n;
const PAGE_IS_SWAPPED = 16n;
const PAGE_IS_PFNZERO = 32n;

export const pageBytes = 4096;
const readBytes = 1 << 20;

interface Mapping {
  start: number;
  end: number;
  isExecutable: boolean;
  /** Shared memory that is no file in the POD's file system: a checkpoint carries all of it. */
  isSharedMemory: boolean;
}

export function parseMaps(text: string): Mapping[] {
  return text.split('\n').flatMap((line) => {
    const match = /^([0-9a-f]+)-([0-9a-f]+) (....) [0-9a-f]+ \S+ (\d+) *(.*)$/.exec(line);
    if (!match) return [];
    const [, start, end, rights, inode, path] = match as unknown as [string, string, string, string, string, string];
    if (/^\[(?:vvar|vdso|vsyscall|uprobes)/.test(path) || rights[0] !== 'r') return [];
    const isSharedMemory = rights[3] === 's' && (inode === '0' || /^\/(?:memfd:|dev\/zero|SYSV)/.test(path));
    return [{ start: Number.parseInt(start, 16), end: Number.parseInt(end, 16), isExecutable: rights[2] === 'x', isSharedMemory }];
  });
}

/** An address is passed to koffi as a number of 64 bits in memory, so the regions' buffer must be found there by its own address. */
interface ScanBuffers {
  argument: Buffer;
  regions: Buffer;
  regionsAddress: bigint;
}

/** Ranges of pages that are present in a mapping. */
function* presentRanges(pagemap: number, mapping: Mapping, buffers: ScanBuffers): Generator<[start: number, end: number]> {
  const { argument, regions, regionsAddress } = buffers;
  let start = BigInt(mapping.start);
  const end = BigInt(mapping.end);
  const unwanted = mapping.isSharedMemory ? PAGE_IS_PFNZERO : PAGE_IS_PFNZERO | PAGE_IS_FILE;
  while (start < end) {
    const fields = [BigInt(argumentBytes), 0n, start, end, 0n, regionsAddress, BigInt(maxRegions), 0n, unwanted, unwanted, PAGE_IS_PRESENT | PAGE_IS_SWAPPED, PAGE_IS_PRESENT];
    fields.forEach((value, index) => argument.writeBigUInt64LE(value, index * 8));
    const count = ioctl(pagemap, PAGEMAP_SCAN, argument);
    if (count < 0) return;
    for (let index = 0; index < count; index++) yield [Number(regions.readBigUInt64LE(index * regionBytes)), Number(regions.readBigUInt64LE(index * regionBytes + 8))];
    const walkedTo = argument.readBigUInt64LE(32);
    if (walkedTo <= start) return;
    start = walkedTo;
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

  [Symbol.dispose](): void {
    closeSync(this.fd);
  }
}

export function makeBuffers(): ScanBuffers & { content: Buffer } {
  const regions = Buffer.allocUnsafeSlow(maxRegions * regionBytes);
  return { argument: Buffer.alloc(argumentBytes), regions, regionsAddress: addressOf(regions), content: Buffer.allocUnsafeSlow(readBytes) };
}
