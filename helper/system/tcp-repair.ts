/**
 * Connections that were left in repair mode.
 *
 * A connection in repair mode (tcp(7) does not know it, CRIU lives by it) sends nothing, for ever, and its program is not told. The mode belongs to the
 * socket, not to whoever set it: it stays when that process is killed. A POD's own programs cannot set it.
 */
import { closeSync, readdirSync, readlinkSync } from 'node:fs';
import { checked, libc } from './native';

const systemCall = libc<[number, number, number, number]>('long syscall(long number, long first, long second, long third)');
const getOption = libc<[number, number, number, Buffer, Buffer]>('int getsockopt(int fd, int level, int name, _Out_ void *value, _Inout_ void *size)');
const setOption = libc<[number, number, number, Buffer, number]>('int setsockopt(int fd, int level, int name, void *value, unsigned int size)');
const pidfdOpen = 434;
const pidfdGetfd = 438;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SOL_TCP = 6;
const TCP_REPAIR = 19;

/** Lets them go on; returns how many there were. What ends meanwhile is passed over. */
export function endTcpRepair(pids: readonly number[]): number {
  const seen = new Set<string>();
  let count = 0;
  for (const pid of pids) {
    const sockets = socketsOf(pid).filter(({ name }) => !seen.has(name));
    if (sockets.length === 0) continue;
    const pidfd = systemCall(pidfdOpen, pid, 0, 0);
    if (pidfd === -1) continue;
    try {
      for (const { fd, name } of sockets) {
        seen.add(name);
        const ours = systemCall(pidfdGetfd, pidfd, fd, 0);
        if (ours === -1) continue;
        try {
          if (isInRepair(ours)) {
            leaveRepair(ours);
            count += 1;
          }
        } finally {
          closeSync(ours);
        }
      }
    } finally {
      closeSync(pidfd);
    }
  }
  return count;
}

function socketsOf(pid: number): { fd: number; name: string }[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        const name = readlinkSync(`/proc/${pid}/fd/${fd}`);
        return name.startsWith('socket:') ? [{ fd: Number(fd), name }] : [];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}

function isInRepair(fd: number): boolean {
  const [value, size] = [Buffer.alloc(4), int(4)];
  return getOption(fd, SOL_TCP, TCP_REPAIR, value, size) === 0 && value.readInt32LE() === 1;
}

/** The kernel forgets the socket's SO_REUSEADDR on the way, and without it a server that is started anew would not get its port. */
function leaveRepair(fd: number): void {
  checked(setOption(fd, SOL_TCP, TCP_REPAIR, int(0), 4), 'setsockopt');
  checked(setOption(fd, SOL_SOCKET, SO_REUSEADDR, int(1), 4), 'setsockopt');
}

function int(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32LE(value);
  return buffer;
}
