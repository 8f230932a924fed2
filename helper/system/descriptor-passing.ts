/** Descriptors from one process to another: over a unix socket, and out of a process that has no say in it. */
import { closeSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { addressOf, checked, lastErrno, libc } from './native';

const socketCall = libc<[number, number, number]>('int socket(int domain, int type, int protocol)');
const bindCall = libc<[number, Buffer, number]>('int bind(int fd, const uint8_t *address, unsigned int size)');
const listenCall = libc<[number, number]>('int listen(int fd, int backlog)');
const acceptCall = libc<[number, number, number, number]>('int accept4(int fd, uint64_t address, uint64_t size, int flags)');
const receiveCall = libc<[number, Buffer, number]>('int64_t recvmsg(int fd, _Inout_ uint8_t *message, int flags)');
const systemCall = libc<[number, number, number, number]>('long syscall(long number, long first, long second, long third)');

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_CMSG_CLOEXEC = 0x40000000;
const pidfdOpen = 434;
const pidfdGetfd = 438;
const longestPath = 107;
const controlBytes = 24;
const EINTR = 4;
const ECONNRESET = 104;

/** Listens at a path; a socket that was left there is removed. */
export function listenAt(path: string): number {
  rmSync(path, { force: true });
  const name = Buffer.from(path);
  if (name.length > longestPath) throw new Error(`too long for a socket: ${path}`);
  const address = Buffer.alloc(2 + longestPath + 1);
  address.writeUInt16LE(AF_UNIX);
  name.copy(address, 2);
  const fd = checked(socketCall(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), 'socket');
  checked(bindCall(fd, address, address.length), 'bind', path);
  checked(listenCall(fd, 1), 'listen', path);
  return fd;
}

export function acceptFrom(listener: number): number {
  return checked(acceptCall(listener, 0, 0, SOCK_CLOEXEC), 'accept');
}

/** Reads so many bytes to an address of this process, for which it waits, and a descriptor, if one comes along. */
export function receiveTo(socket: number, address: number | bigint, sizeBytes: number): { isEnd: boolean; fd: number | undefined } {
  let fd: number | undefined;
  for (let done = 0; done < sizeBytes; ) {
    const vector = Buffer.allocUnsafeSlow(16);
    vector.writeBigUInt64LE(BigInt(address) + BigInt(done), 0);
    vector.writeBigUInt64LE(BigInt(sizeBytes - done), 8);
    const control = Buffer.allocUnsafeSlow(controlBytes).fill(0);
    const message = Buffer.alloc(56);
    message.writeBigUInt64LE(addressOf(vector), 16);
    message.writeBigUInt64LE(1n, 24);
    message.writeBigUInt64LE(addressOf(control), 32);
    message.writeBigUInt64LE(BigInt(control.length), 40);
    const size = Number(receiveCall(socket, message, MSG_CMSG_CLOEXEC));
    if (size === -1 && lastErrno() === EINTR) continue;
    if (size === -1 && lastErrno() === ECONNRESET) return { isEnd: true, fd };
    if (checked(size, 'recvmsg') === 0) return { isEnd: true, fd };
    if (message.readBigUInt64LE(40) >= 20n && control.readInt32LE(8) === SOL_SOCKET && control.readInt32LE(12) === SCM_RIGHTS) fd = control.readInt32LE(16);
    done += size;
  }
  return { isEnd: false, fd };
}

/** The descriptor that comes with one byte. */
export function receiveDescriptor(socket: number): number | undefined {
  const byte = Buffer.allocUnsafeSlow(1);
  return receiveTo(socket, addressOf(byte), byte.length).fd;
}

/** Copies of a process's descriptors whose link says what `isWanted` looks for, by their numbers there. It may be stopped, not gone. */
export function takeDescriptors(pid: number, isWanted: (link: string, fd: number) => boolean): Map<number, number> {
  const taken = new Map<number, number>();
  const pidfd = checked(systemCall(pidfdOpen, pid, 0, 0), 'pidfd_open');
  try {
    for (const name of readdirSync(`/proc/${pid}/fd`)) {
      if (!isWanted(readlinkSync(`/proc/${pid}/fd/${name}`), Number(name))) continue;
      taken.set(Number(name), checked(systemCall(pidfdGetfd, pidfd, Number(name), 0), 'pidfd_getfd'));
    }
  } finally {
    closeSync(pidfd);
  }
  return taken;
}
