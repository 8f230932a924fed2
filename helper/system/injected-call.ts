/**
 * Makes a process make system calls, without its program noticing.
 *
 * One of its threads is stopped for some 200 µs, and only where the kernel goes on exactly as if nothing had been: in its own code, or in a call that the
 * kernel itself takes up again. No code is changed: the vDSO has a `syscall` instruction. What it had comes back in a stop at which the kernel has not yet
 * decided about the interrupted call. x86-64.
 *
 * For a program of its own (ptrace.ts): killed in between, it would leave the thread with foreign registers.
 */
import { readFileSync } from 'node:fs';
import { ZapError } from '../protocol/errors';
import { reach } from './fault-point';
import { ProcessMemory } from './live-pages';
import { detach, dispatchesCalls, interrupt, nextChange, readRegisters, readSignalMask, restartableSequencesOf, resume, resumeToCall, seize, setFiltered, writeRegisters, writeSignalMask } from './ptrace';
import { callOf, descriptorTarget, goesOnAfterStop, mayBeginAnew, threadsOf } from './thread-calls';

/** `struct user_regs_struct`, in words. */
const word = { result: 10, third: 12, second: 13, first: 14, call: 15, instruction: 16 } as const;
const registerBytes = 27 * 8;
const systemCallInstruction = Buffer.from([0x0f, 0x05]);
const allSignals = 0xffff_ffff_ffff_ffffn;
const EINTR = 4n;
/** The kernel begins the call anew, but if a signal's handler is to run first the program hears EINTR. */
const ERESTARTNOHAND = 514n;
/** On a machine with much to do a thread may wait long for its turn to stop. */
const stopWithinMs = 2000;
/** Looked at without a pause: a loop that waits with a time limit runs for microseconds in between. */
const findWithinMs = 60;
const noThread = 0x3fffff;

export type InjectedCall = (number: number, first?: number, second?: number, third?: number) => number;

/** A thread that was seized does not stop: nothing is changed in it, but only the end of this program lets it go. */
export class Unstoppable extends Error {}

/** Runs `work` while one thread of the process is stopped and makes calls for it. Returns how long it was stopped, too. */
export function callInside<Result>(pid: number, work: (call: InjectedCall) => Result): { result: Result; stoppedMs: number } {
  const gadget = findInstruction(pid);
  const giveUpAtMs = performance.now() + findWithinMs;
  do {
    for (const tid of suitableThreads(pid)) {
      const done = visit(pid, tid, gadget, work);
      if (done) return done;
    }
  } while (performance.now() < giveUpAtMs);
  throw new ZapError('system/not-stopped', 'None of its threads could be stopped without being noticed.', { data: { pid } });
}

/** A thread is stopped for three milliseconds instead of a fifth of one while code runs for the first time. */
export function warmUp(): void {
  const steps: (() => unknown)[] = [
    () => seize(noThread), () => interrupt(noThread), () => nextChange(noThread, 0), () => dispatchesCalls(noThread), () => restartableSequencesOf(noThread), () => readRegisters(noThread), () => readSignalMask(noThread),
    () => writeSignalMask(noThread, allSignals), () => setFiltered(noThread, false), () => writeRegisters(noThread, Buffer.alloc(registerBytes)), () => resumeToCall(noThread), () => resume(noThread), () => detach(noThread),
    () => isInSequence(process.pid, noThread), () => findInstruction(process.pid), () => suitableThreads(noThread),
  ];
  for (let round = 0; round < 3; round++) for (const step of steps) quietly(step);
}

/** Those that sleep in a call which goes on by itself first: nothing has to be put right there. */
function suitableThreads(pid: number): number[] {
  const status = read(`/proc/${pid}/status`);
  if (/^TracerPid:\s+[1-9]/m.test(status)) throw new ZapError('system/traced', 'It has a debugger.', { data: { pid } });
  if (/^State:\s+[TtZX]/m.test(status)) throw new ZapError('system/not-running', 'It is stopped.', { data: { pid } });
  const calls = threadsOf(pid).map((tid) => ({ tid, call: callOf(pid, tid) }));
  const sleeping = calls.filter(({ call }) => call && goesOnAfterStop(call, (fd) => descriptorTarget(pid, fd)));
  const running = calls.filter(({ call }) => call?.kind === 'running');
  return [...sleeping, ...running].map(({ tid }) => tid);
}

function visit<Result>(pid: number, tid: number, gadget: bigint, work: (call: InjectedCall) => Result): { result: Result; stoppedMs: number } | undefined {
  try {
    seize(tid);
  } catch {
    return undefined; // it has ended, or somebody was quicker
  }
  interrupt(tid);
  const change = untilStopped(tid);
  if (change === 'ended') return undefined;
  const startedMs = performance.now();
  try {
    if (change === 'together' || dispatchesCalls(tid) || isInSequence(pid, tid)) return undefined;
    return { result: inForeignRegisters(tid, gadget, work), stoppedMs: performance.now() - startedMs };
  } finally {
    quietly(() => detach(tid));
  }
}

/** `together`: with the whole process, by a signal that stops it. */
function untilStopped(tid: number): 'alone' | 'together' | 'ended' {
  for (;;) {
    const change = nextChange(tid, stopWithinMs);
    if (!change) throw new Unstoppable(`thread ${tid}`);
    if (change.kind === 'ended') return 'ended';
    if (change.kind === 'stopped') return change.isWithProcess ? 'together' : 'alone';
    resume(tid, change.kind === 'signal' ? change.signal : 0);
  }
}

function inForeignRegisters<Result>(tid: number, gadget: bigint, work: (call: InjectedCall) => Result): Result {
  const registers = readRegisters(tid);
  if (registers.length !== registerBytes) throw new ZapError('system/not-stopped', 'It is a program of another architecture.');
  const mask = readSignalMask(tid);
  const own = beganAnew(registers);
  try {
    writeSignalMask(tid, allSignals);
    setFiltered(tid, false);
    return work((number, first = 0, second = 0, third = 0) => {
      const foreign = Buffer.from(registers);
      const values: [number, bigint][] = [[word.result, BigInt(number)], [word.first, BigInt(first)], [word.second, BigInt(second)], [word.third, BigInt(third)], [word.call, -1n], [word.instruction, gadget]];
      for (const [index, value] of values) foreign.writeBigInt64LE(value, index * 8);
      writeRegisters(tid, foreign);
      for (let stop = 0; stop < 2; stop++) untilCall(tid);
      reach('tracker: foreign registers');
      return Number(readRegisters(tid).readBigInt64LE(word.result * 8));
    });
  } finally {
    // Only here, before it goes back to its program, does the kernel look at what became of an interrupted call.
    quietly(() => {
      interrupt(tid);
      resume(tid);
      if (untilStopped(tid) !== 'ended') {
        writeRegisters(tid, own);
        writeSignalMask(tid, mask);
        setFiltered(tid, true);
      }
    });
  }
}

/** A stop of the whole process that falls into this is let pass; it stops when it is let go. */
function untilCall(tid: number): void {
  for (let signal = 0; ; ) {
    resumeToCall(tid, signal);
    const change = nextChange(tid);
    if (change.kind === 'call') return;
    signal = change.kind === 'signal' ? change.signal : 0;
    if (change.kind === 'ended') throw new ZapError('system/not-running', 'It has ended.');
  }
}

/** What the thread goes on with: a call that our stop has broken off for good is begun anew by the kernel. */
function beganAnew(registers: Buffer): Buffer {
  const own = Buffer.from(registers);
  const call = registers.readBigInt64LE(word.call * 8);
  if (call >= 0n && mayBeginAnew(Number(call)) && registers.readBigInt64LE(word.result * 8) === -EINTR) own.writeBigInt64LE(-ERESTARTNOHAND, word.result * 8);
  return own;
}

/** In a restartable sequence: the kernel must find it there, and end it, when it goes on. */
function isInSequence(pid: number, tid: number): boolean {
  const area = restartableSequencesOf(tid);
  if (area === undefined) return false;
  using memory = ProcessMemory.open(pid);
  const pointer = memory?.readExactly(Number(area) + 8, 8)?.readBigUInt64LE();
  if (!memory || pointer === undefined || pointer === 0n) return false;
  const sequence = memory.readExactly(Number(pointer), 32);
  if (!sequence) return true;
  const [start, length] = [sequence.readBigUInt64LE(8), sequence.readBigUInt64LE(16)];
  const at = readRegisters(tid).readBigUInt64LE(word.instruction * 8);
  return at >= start && at < start + length;
}

/** The vDSO falls back to system calls where it cannot help itself. */
function findInstruction(pid: number): bigint {
  const vdso = /^([0-9a-f]+)-([0-9a-f]+) r-xp .*\[vdso\]$/m.exec(read(`/proc/${pid}/maps`));
  if (vdso) {
    const [start, end] = [Number.parseInt(vdso[1]!, 16), Number.parseInt(vdso[2]!, 16)];
    using memory = ProcessMemory.open(pid);
    const at = memory?.readExactly(start, end - start)?.indexOf(systemCallInstruction) ?? -1;
    if (at >= 0) return BigInt(start + at);
  }
  throw new ZapError('system/not-stopped', 'It has no vDSO.', { data: { pid } });
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** For what may have ended meanwhile. */
function quietly(run: () => unknown): void {
  try {
    run();
  } catch {
    // gone
  }
}
