/**
 * userfaultfd(2): pages of another process's memory that are put in place when it touches them, or before.
 *
 * The descriptors come from elsewhere (CRIU makes them in the processes that it restores); this is what is done with them. While one is open anywhere, who
 * touches a page that is not there waits; when the last one closes, such a page reads as zero.
 */
import { closeSync } from 'node:fs';
import { checked, lastErrno, libc } from './native';

const ioctl = libc<[number, number, Buffer]>('int ioctl(int fd, unsigned long request, _Inout_ uint8_t *argument)');
const readAt = libc<[number, number, number]>('int64_t read(int fd, uint64_t address, size_t size)');
const pollCall = libc<[Buffer, number, number]>('int poll(_Inout_ uint8_t *descriptors, unsigned long count, int timeoutMs)');

const systemCall = libc<[number, number]>('int64_t syscall(int64_t number, int64_t flags)');

const O_CLOEXEC = 0o2000000;
const UFFDIO_API = 0xc018aa3f;
const UFFD_API = 0xaa;
/** Fork, remap, remove, unmap. */
const neededFeatures = 0x2 | 0x4 | 0x8 | 0x40;
const UFFDIO_WAKE = 0x8010aa02;
const UFFDIO_COPY = 0xc028aa03;
const UFFDIO_ZEROPAGE = 0xc020aa04;
const POLLIN = 1;
const pollEntryBytes = 8;

export const faultEvent = { pageFault: 0x12, fork: 0x13, remap: 0x14, remove: 0x15, unmap: 0x16 } as const;
/** What /proc says of such a descriptor. */
export const userfaultLink = 'anon_inode:[userfaultfd]';
export const faultMessageBytes = 32;

const errno = { ENOENT: 2, ESRCH: 3, EINTR: 4, EAGAIN: 11, ENOMEM: 12, EEXIST: 17, ENOSPC: 28 } as const;

export type Placed =
  | { kind: 'placed'; bytes: number }
  /** Something is at the first page already. */
  | { kind: 'there' }
  /** The range is not, or not as a whole, one mapping that waits for its pages. */
  | { kind: 'unmapped' }
  /** The process is changing its mappings: there is an event to be read first. */
  | { kind: 'changing' }
  | { kind: 'full' }
  | { kind: 'ended' };

/** Whether the kernel tells what a process does to its mappings: without, nobody could follow. */
export function hasFaultEvents(): boolean {
  const fd = Number(systemCall(process.arch === 'arm64' ? 282 : 323, O_CLOEXEC));
  if (fd < 0) return false;
  const argument = Buffer.alloc(24);
  argument.writeBigUInt64LE(BigInt(UFFD_API), 0);
  argument.writeBigUInt64LE(BigInt(neededFeatures), 8);
  const isThere = ioctl(fd, UFFDIO_API, argument) === 0;
  closeSync(fd);
  return isThere;
}

const copyArgument = Buffer.alloc(40);
const zeroArgument = Buffer.alloc(32);
const rangeArgument = Buffer.alloc(16);

/** Puts a copy of the memory at `from` where `to` is in that process, whose threads that wait for it go on. */
export function placePages(fd: number, to: number, from: number, bytes: number): Placed {
  putAddress(copyArgument, 0, to);
  putAddress(copyArgument, 8, from);
  putAddress(copyArgument, 16, bytes);
  copyArgument.fill(0, 24);
  const result = ioctl(fd, UFFDIO_COPY, copyArgument);
  const code = result === 0 ? 0 : lastErrno();
  return outcome(code, result === 0 ? bytes : Number(copyArgument.readBigInt64LE(32)));
}

export function placeZeros(fd: number, to: number, bytes: number): Placed {
  putAddress(zeroArgument, 0, to);
  putAddress(zeroArgument, 8, bytes);
  zeroArgument.fill(0, 16);
  const result = ioctl(fd, UFFDIO_ZEROPAGE, zeroArgument);
  const code = result === 0 ? 0 : lastErrno();
  return outcome(code, result === 0 ? bytes : Number(zeroArgument.readBigInt64LE(24)));
}

/** Who waits for these pages looks again. */
export function wake(fd: number, start: number, bytes: number): void {
  putAddress(rangeArgument, 0, start);
  putAddress(rangeArgument, 8, bytes);
  ioctl(fd, UFFDIO_WAKE, rangeArgument);
}

function outcome(code: number, bytes: number): Placed {
  if (bytes > 0) return { kind: 'placed', bytes };
  switch (code) {
    case errno.EEXIST: return { kind: 'there' };
    case errno.ENOENT: return { kind: 'unmapped' };
    case errno.EAGAIN: return { kind: 'changing' };
    case errno.ENOMEM: return { kind: 'full' };
    case errno.ESRCH: case errno.ENOSPC: return { kind: 'ended' };
    default: return checked(-1, 'ioctl(userfaultfd)') as never;
  }
}

/** Reads the next message to an address of this process; false when there is none. */
export function readFaultMessage(fd: number, address: number): boolean {
  return Number(readAt(fd, address, faultMessageBytes)) === faultMessageBytes;
}

/** Those of the descriptors that have something to say. */
export function waitForAny(fds: readonly number[], timeoutMs: number): number[] {
  const entries = Buffer.alloc(Math.max(1, fds.length) * pollEntryBytes);
  fds.forEach((fd, index) => {
    entries.writeInt32LE(fd, index * pollEntryBytes);
    entries.writeInt16LE(POLLIN, index * pollEntryBytes + 4);
  });
  if (pollCall(entries, fds.length, timeoutMs) <= 0) return [];
  return fds.filter((_, index) => entries.readInt16LE(index * pollEntryBytes + 6) !== 0);
}

function putAddress(buffer: Buffer, offset: number, value: number): void {
  buffer.writeUInt32LE(value % 2 ** 32, offset);
  buffer.writeUInt32LE(Math.floor(value / 2 ** 32), offset + 4);
}
