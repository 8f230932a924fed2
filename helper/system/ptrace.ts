/**
 * ptrace(2): looking into a stopped thread, and changing what it will go on with.
 *
 * A tracer is a thread, not a process: all calls must come from the same one, and in Node's main thread that must not also wait for children of its own,
 * since libuv would take a tracee's stop for its end. So whoever uses this is a program of its own.
 */
import { addressOf, checked, libc } from './native';

const callWithNumbers = libc<[number, number, number | bigint, number | bigint]>('long ptrace(int request, int pid, uint64_t address, uint64_t data)');
const callWithBytes = libc<[number, number, number | bigint, Buffer]>('long ptrace(int request, int pid, uint64_t address, _Inout_ uint8_t *data)');
const waitForChange = libc<[number, Buffer, number]>('int waitpid(int pid, _Out_ uint8_t *status, int options)');

const PTRACE_POKEUSER = 6;
const PTRACE_CONT = 7;
const PTRACE_DETACH = 17;
const PTRACE_SYSCALL = 24;
const PTRACE_SETOPTIONS = 0x4200;
const PTRACE_GETEVENTMSG = 0x4201;
const PTRACE_GETREGSET = 0x4204;
const PTRACE_SETREGSET = 0x4205;
const PTRACE_SEIZE = 0x4206;
const PTRACE_INTERRUPT = 0x4207;
const PTRACE_GETSIGMASK = 0x420a;
const PTRACE_SETSIGMASK = 0x420b;
const PTRACE_GET_RSEQ_CONFIGURATION = 0x420f;
const PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG = 0x4211;
const PTRACE_O_TRACESYSGOOD = 1;
const PTRACE_O_TRACEEXIT = 0x40;
const PTRACE_O_SUSPEND_SECCOMP = 0x200000;
const callMark = 0x80;
const SIGTRAP = 5;
const PTRACE_EVENT_EXIT = 6;
const WALL = 0x40000000;
const WNOHANG = 1;
const pollMs = 0.2;
const signalSetBytes = 8;
const largestRegisterSetBytes = 16_384;

/** Kinds of registers, as core dumps number them. */
export const registerSet = { general: 1, extendedX64: 0x202 } as const;

export type Change =
  | { kind: 'ended' }
  /** About to exit, with its memory and its descriptors still there. `isKilled`: by a signal. */
  | { kind: 'exiting'; isKilled: boolean; exitCode: number }
  /** At the beginning or the end of a system call. */
  | { kind: 'call' }
  /** A signal is being delivered: it is up to the tracer to pass it on. */
  | { kind: 'signal'; signal: number }
  /** Stopped by the tracer, or together with its process, as by SIGSTOP. */
  | { kind: 'stopped'; isWithProcess: boolean };

/** With `tellsExit` it stops once more when it is about to exit. */
export function seize(tid: number, { tellsExit = false } = {}): void {
  checked(callWithNumbers(PTRACE_SEIZE, tid, 0, PTRACE_O_TRACESYSGOOD | (tellsExit ? PTRACE_O_TRACEEXIT : 0)), 'ptrace(SEIZE)');
}

/** Whether a stopped thread's calls pass the filters that it is under, as ever, or none. */
export function setFiltered(tid: number, isFiltered: boolean): void {
  checked(callWithNumbers(PTRACE_SETOPTIONS, tid, 0, PTRACE_O_TRACESYSGOOD | (isFiltered ? 0 : PTRACE_O_SUSPEND_SECCOMP)), 'ptrace(SETOPTIONS)');
}

export function interrupt(tid: number): void {
  checked(callWithNumbers(PTRACE_INTERRUPT, tid, 0, 0), 'ptrace(INTERRUPT)');
}

export function resume(tid: number, signal = 0): void {
  checked(callWithNumbers(PTRACE_CONT, tid, 0, signal), 'ptrace(CONT)');
}

/** On to the next beginning or end of a system call. */
export function resumeToCall(tid: number, signal = 0): void {
  checked(callWithNumbers(PTRACE_SYSCALL, tid, 0, signal), 'ptrace(SYSCALL)');
}

export function detach(tid: number): void {
  checked(callWithNumbers(PTRACE_DETACH, tid, 0, 0), 'ptrace(DETACH)');
}

/** Waits until something becomes of a tracee; with `withinMs` no longer than that. */
export function nextChange(tid: number): Change;
export function nextChange(tid: number, withinMs: number): Change | undefined;
export function nextChange(tid: number, withinMs?: number): Change | undefined {
  const raw = Buffer.alloc(4);
  const giveUpAtMs = performance.now() + (withinMs ?? 0);
  while (checked(waitForChange(tid, raw, withinMs === undefined ? WALL : WALL | WNOHANG), 'waitpid') === 0) {
    if (performance.now() > giveUpAtMs) return undefined;
    rest(pollMs);
  }
  const status = raw.readUInt32LE();
  if ((status & 0xff) !== 0x7f) return { kind: 'ended' };
  const event = status >>> 16;
  if (event === PTRACE_EVENT_EXIT) {
    const message = Buffer.alloc(8);
    checked(callWithBytes(PTRACE_GETEVENTMSG, tid, 0, message), 'ptrace(GETEVENTMSG)');
    return { kind: 'exiting', isKilled: (message.readUInt32LE() & 0x7f) !== 0, exitCode: message.readUInt32LE() >>> 8 };
  }
  const signal = (status >>> 8) & 0xff;
  if (event !== 0) return { kind: 'stopped', isWithProcess: signal !== SIGTRAP };
  return (signal & callMark) === 0 ? { kind: 'signal', signal } : { kind: 'call' };
}

export function readRegisters(tid: number, set: number = registerSet.general): Buffer {
  const registers = Buffer.allocUnsafeSlow(largestRegisterSetBytes);
  const vector = vectorOf(registers);
  checked(callWithBytes(PTRACE_GETREGSET, tid, set, vector), 'ptrace(GETREGSET)');
  return registers.subarray(0, Number(vector.readBigUInt64LE(8)));
}

export function writeRegisters(tid: number, registers: Buffer, set: number = registerSet.general): void {
  const copy = Buffer.allocUnsafeSlow(registers.length);
  registers.copy(copy);
  checked(callWithBytes(PTRACE_SETREGSET, tid, set, vectorOf(copy)), 'ptrace(SETREGSET)');
}

/** Blocks this thread: a tracer has nothing else to do. */
export function rest(forMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, forMs);
}

/** `struct iovec` */
function vectorOf(bytes: Buffer): Buffer {
  const vector = Buffer.alloc(16);
  vector.writeBigUInt64LE(addressOf(bytes), 0);
  vector.writeBigUInt64LE(BigInt(bytes.length), 8);
  return vector;
}

/** Which signals the thread blocks; signal n is bit n − 1. */
export function readSignalMask(tid: number): bigint {
  const mask = Buffer.alloc(signalSetBytes);
  checked(callWithBytes(PTRACE_GETSIGMASK, tid, signalSetBytes, mask), 'ptrace(GETSIGMASK)');
  return mask.readBigUInt64LE();
}

export function writeSignalMask(tid: number, blocked: bigint): void {
  const mask = Buffer.alloc(signalSetBytes);
  mask.writeBigUInt64LE(blocked);
  checked(callWithBytes(PTRACE_SETSIGMASK, tid, signalSetBytes, mask), 'ptrace(SETSIGMASK)');
}

/** Takes out hardware breakpoints: they stay in a thread when its tracer dies. x86-64 alone. */
export function clearBreakpoints(tid: number): void {
  const debugControl = 848 + 7 * 8; // in `struct user`
  checked(callWithNumbers(PTRACE_POKEUSER, tid, debugControl, 0), 'ptrace(POKEUSER)');
}

/** Where a stopped thread has its `struct rseq` (rseq(2)); undefined when it has none. */
export function restartableSequencesOf(tid: number): bigint | undefined {
  const configuration = Buffer.alloc(24);
  if (callWithBytes(PTRACE_GET_RSEQ_CONFIGURATION, tid, configuration.length, configuration) === -1) return undefined;
  const address = configuration.readBigUInt64LE();
  return address === 0n ? undefined : address;
}

/** Whether the program has asked the kernel to hand it its own system calls as signals. */
export function dispatchesCalls(tid: number): boolean {
  const configuration = Buffer.alloc(32);
  return callWithBytes(PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG, tid, configuration.length, configuration) !== -1 && configuration.readBigUInt64LE() !== 0n;
}
