/**
 * userfaultfd(2) in its asynchronous write-protecting mode (Linux 6.7): nobody is asked when a protected page is written; the kernel takes the protection off
 * and remembers. A context belongs to the memory of whoever called, so a process must make its own; it is used and kept from outside.
 *
 * UFFD_USER_MODE_ONLY spares the right that `vm.unprivileged_userfaultfd=0` asks for. Writes by the kernel are noticed all the same: in this mode they never
 * come to the place where that flag is looked at.
 */
import { closeSync } from 'node:fs';
import { checked, libc } from './native';

const systemCall = libc<[number, number, number, number]>('long syscall(long number, long first, long second, long third)');
const ioctl = libc<[number, number, Uint8Array]>('int ioctl(int fd, unsigned long request, _Inout_ uint8_t *argument)');

const UFFDIO_API = 0xc018aa3f;
const UFFDIO_REGISTER = 0xc020aa00;
const UFFD_API = 0xaan;
const UFFD_FEATURE_WP_UNPOPULATED = 1n << 13n;
const UFFD_FEATURE_WP_ASYNC = 1n << 15n;
const UFFDIO_REGISTER_MODE_WP = 2n;
const UFFD_USER_MODE_ONLY = 1;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const pidfdOpen = 434;
const pidfdGetfd = 438;

/** By number, as x86-64 has them. */
export const makeContext = { number: 323, flags: UFFD_USER_MODE_ONLY | O_NONBLOCK | O_CLOEXEC } as const;
/** What a descriptor of such a context is called in /proc/PID/fd. */
export const contextName = 'anon_inode:[userfaultfd]';

/** To be done once, before areas are added. */
export function makeAsynchronous(context: number): void {
  const argument = Buffer.alloc(24);
  argument.writeBigUInt64LE(UFFD_API, 0);
  argument.writeBigUInt64LE(UFFD_FEATURE_WP_ASYNC | UFFD_FEATURE_WP_UNPOPULATED, 8);
  checked(ioctl(context, UFFDIO_API, argument), 'ioctl(UFFDIO_API)');
}

/** From now on a scan can protect the pages of this area. Returns whether the kernel would have it. */
export function addArea(context: number, { start, end }: { start: number; end: number }): boolean {
  const argument = Buffer.alloc(32);
  argument.writeBigUInt64LE(BigInt(start), 0);
  argument.writeBigUInt64LE(BigInt(end - start), 8);
  argument.writeBigUInt64LE(UFFDIO_REGISTER_MODE_WP, 16);
  return ioctl(context, UFFDIO_REGISTER, argument) === 0;
}

/** Another process's descriptor as one of our own. */
export function takeDescriptor(pid: number, fd: number): number {
  const process = checked(systemCall(pidfdOpen, pid, 0, 0), 'pidfd_open');
  try {
    return checked(systemCall(pidfdGetfd, process, fd, 0), 'pidfd_getfd');
  } finally {
    closeSync(process);
  }
}

/** Whether this kernel has all that is needed. Of the architectures that do, x86-64 alone is one on which we can make a process call. */
export function canTrackWrites(): boolean {
  if (process.arch !== 'x64') return false;
  const context = systemCall(makeContext.number, makeContext.flags, 0, 0);
  if (context === -1) return false;
  try {
    makeAsynchronous(context);
    return true;
  } catch {
    return false;
  } finally {
    closeSync(context);
  }
}
