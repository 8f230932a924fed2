/**
 * In which system call a thread is, as /proc/PID/task/TID/syscall says: whether it can be stopped there without its program noticing, and whether the
 * kernel may write into its memory behind a page's protection meanwhile. x86-64.
 */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';

/** `running`: on a processor or waiting for one, in its own code or the kernel's. */
export type ThreadCall = { kind: 'running' } | { kind: 'outside' } | { kind: 'call'; number: number; args: bigint[] };

export const callNumber = {
  read: 0, write: 1, poll: 7, pread64: 17, pwrite64: 18, readv: 19, writev: 20, select: 23, pause: 34, nanosleep: 35, accept: 43, recvfrom: 45, recvmsg: 47, wait4: 61, semop: 65, ptrace: 101,
  rt_sigtimedwait: 128, rt_sigsuspend: 130, futex: 202, restart_syscall: 219, semtimedop: 220, clock_nanosleep: 230, epoll_wait: 232, waitid: 247, pselect6: 270, ppoll: 271, epoll_pwait: 281, accept4: 288, preadv: 295,
  pwritev: 296, process_vm_writev: 311, preadv2: 327, pwritev2: 328, epoll_pwait2: 441,
} as const;

/** A socket may have a time limit, which would begin anew. */
const waitingRoom = /^(?:pipe:|\/dev\/pts\/)/;
const minusOne = 0xffffffffn;
const futexWaits = new Set([0n, 9n]);

export function parseCall(text: string): ThreadCall {
  const words = text.trim().split(' ');
  if (words[0] === 'running') return { kind: 'running' };
  const number = Number(words[0]);
  return number < 0 ? { kind: 'outside' } : { kind: 'call', number, args: words.slice(1, 7).map(BigInt) };
}

/** undefined when the thread has ended. */
export function callOf(pid: number, tid: number): ThreadCall | undefined {
  try {
    return parseCall(readFileSync(`/proc/${pid}/task/${tid}/syscall`, 'latin1'));
  } catch {
    return undefined;
  }
}

export function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}

/** Whether the kernel goes on with the call after a stop exactly where it was, with what is left of its time. */
export function goesOnAfterStop(call: ThreadCall, target: (fd: number) => string | undefined): boolean {
  if (call.kind !== 'call') return false;
  const { number, args } = call;
  switch (number) {
    case callNumber.read:
      return waitingRoom.test(target(Number(args[0]! & minusOne)) ?? '');
    case callNumber.futex:
      return futexWaits.has(args[1]! & 0x7fn);
    case callNumber.epoll_wait: // these two are never gone on with: begun anew they wait as long as before
    case callNumber.epoll_pwait:
      return (args[3]! & minusOne) === minusOne;
    case callNumber.restart_syscall:
    case callNumber.nanosleep:
    case callNumber.clock_nanosleep:
    case callNumber.poll:
    case callNumber.ppoll:
    case callNumber.select:
    case callNumber.pselect6:
    case callNumber.pause:
    case callNumber.rt_sigsuspend:
    case callNumber.wait4:
    case callNumber.waitid:
      return true;
    default:
      return false;
  }
}

const brokenOff: ReadonlySet<number> = new Set([
  callNumber.epoll_wait, callNumber.epoll_pwait, callNumber.epoll_pwait2, callNumber.semop, callNumber.semtimedop, callNumber.rt_sigtimedwait, callNumber.accept, callNumber.accept4, callNumber.recvfrom,
  callNumber.recvmsg,
]);

/** Of those that end with EINTR after any stop, the ones that have done nothing by then and may be begun anew. */
export function mayBeginAnew(number: number): boolean {
  return brokenOff.has(number);
}

const reading: ReadonlySet<number> = new Set([callNumber.read, callNumber.pread64, callNumber.readv, callNumber.preadv, callNumber.preadv2]);
const writing: ReadonlySet<number> = new Set([callNumber.write, callNumber.pwrite64, callNumber.writev, callNumber.pwritev, callNumber.pwritev2]);
const intoOthers: ReadonlySet<number> = new Set([callNumber.process_vm_writev, callNumber.ptrace]);
/** A copy into memory of the caller: nothing is held of it while the call waits. */
const copying = /^(?:pipe:|socket:|anon_inode:|\/dev\/(?:pts\/|tty|null|zero|u?random))/;

/**
 * Whether the call may hold pages of some process to write into them later, whatever their protection says then: direct I/O does, and what writes into the
 * memory of others. `target` is where a descriptor leads.
 */
export function mayHoldPages(call: ThreadCall, target: (fd: number) => string | undefined): boolean {
  if (call.kind !== 'call') return false;
  const { number, args } = call;
  if (intoOthers.has(number)) return true;
  const of = (): string | undefined => target(Number(args[0]! & minusOne));
  if (reading.has(number)) return !copying.test(of() ?? '');
  return writing.has(number) && of()?.endsWith('/mem') === true;
}

/** What a descriptor's link says; a pipe with a name is called a pipe all the same. */
export function descriptorTarget(pid: number, fd: number): string | undefined {
  const path = `/proc/${pid}/fd/${fd}`;
  try {
    return statSync(path).isFIFO() ? 'pipe:' : readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** Nanoseconds that it has had a processor; undefined when it has ended, or the kernel does not count them. */
export function runTimeNs(pid: number, tid: number): number | undefined {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'latin1').split(' ')[0]);
  } catch {
    return undefined;
  }
}
