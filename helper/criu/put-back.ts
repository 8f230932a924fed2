/**
 * Threads that CRIU has left in the middle of its own code are given back what they had.
 *
 * They stand in a frozen control group, and nobody traces them any more. Only those are touched that need it. The first thread of a process may be
 * serving CRIU's commands: that it ends by itself when it may run, since its socket is broken, and here it alone may run until it has. What CRIU poked
 * into the code comes back from the mapped file.
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { clearBreakpoints, detach, interrupt, nextChange, readRegisters, readSignalMask, registerSet, resume, resumeToCall, seize, writeRegisters, writeSignalMask } from '../system/ptrace';
import { readText } from './process-tree';
import { findSavedContext, registerBytes, word, type SavedContext } from './saved-contexts';

/** x86-64: `syscall`, then breakpoints. */
const pokedCode = Buffer.from([0x0f, 0x05, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc]);
/** All that can be blocked, but SIGTRAP: as CRIU leaves it to code of its own. */
const maskOfCriu = BigInt.asUintN(64, ~((1n << 4n) | (1n << 8n) | (1n << 18n)));
const SIGTRAP = 5;
const SIGPIPE = 13;
/** One that waits for a child of vfork(2) does not stop before that has ended. */
const patienceMs = 200;
const servingMs = 2000;

export interface FrozenThreads {
  tids: readonly number[];
  /** CRIU's heap as it was when it died. */
  heap: Buffer;
  freeze: (isFrozen: boolean) => void;
}

interface Code {
  /** Where CRIU pokes: the start of the first executable mapping. */
  start: bigint;
  file: { path: string; offset: number } | undefined;
  /** The code that CRIU has mapped: also what earlier interrupted dumps have left. */
  parasites: { from: bigint; to: bigint }[];
}

/** Returns the threads that were put back, and those for which CRIU's note was not found. */
export function putBack({ tids, heap, freeze }: FrozenThreads): { mended: number[]; unknown: number[] } {
  const held = tids.filter(hold);
  const result: { mended: number[]; unknown: number[] } = { mended: [], unknown: [] };
  const serving: { tid: number; code: Code }[] = [];
  try {
    const codes = new Map<number, Code | undefined>();
    for (const tid of held) {
      const pid = processOf(tid);
      if (!codes.has(pid)) codes.set(pid, codeOf(pid));
      const code = codes.get(pid);
      if (!code) continue;
      if (tid === pid && isInParasite(code, instructionOf(tid))) {
        serving.push({ tid, code });
        continue;
      }
      const verdict = mend(tid, pid, code, heap);
      if (verdict !== 'untouched') result[verdict].push(tid);
    }
    for (const [pid, code] of codes) if (code) unpoke(pid, code);
    const trapped = result.mended.filter((tid) => hasPending(tid, SIGTRAP));
    if (serving.length + trapped.length > 0) {
      freeze(false); // all others are held by this tracer
      for (const tid of trapped) swallow(tid, SIGTRAP);
      for (const { tid, code } of serving) if (quietly(() => finishServing(tid, code))) result.mended.push(tid);
    }
  } finally {
    freeze(true);
    for (const tid of held) quietly(() => detach(tid));
  }
  return result;
}

/** Whether it is there and stopped. */
function hold(tid: number): boolean {
  return quietly(() => {
    seize(tid);
    interrupt(tid);
    return nextChange(tid, patienceMs)?.kind === 'stopped';
  }) ?? false;
}

function mend(tid: number, pid: number, code: Code, heap: Buffer): 'mended' | 'unknown' | 'untouched' {
  const registers = readRegisters(tid);
  if (registers.length !== registerBytes) return 'untouched'; // a program of 32 bits: no POD has any
  const at = registers.readBigUInt64LE(word.instruction * 8);
  const hasRunOtherCode = isInParasite(code, at);
  const isInPokedCode = at >= code.start && at < code.start + BigInt(pokedCode.length) && isPoked(pid, code);
  if (!hasRunOtherCode && !isInPokedCode && readSignalMask(tid) !== maskOfCriu) return 'untouched';
  const saved = findSavedContext(heap, { pid, tid, registers, extended: readRegisters(tid, registerSet.extendedX64) });
  if (!saved) return 'unknown';
  writeBack(tid, saved, hasRunOtherCode);
  return 'mended';
}

function writeBack(tid: number, saved: SavedContext, hasRunOtherCode: boolean): void {
  writeRegisters(tid, saved.registers);
  if (hasRunOtherCode && saved.extended) writeRegisters(tid, saved.extended, registerSet.extendedX64);
  writeSignalMask(tid, saved.signalMask);
}

/**
 * Lets it run until it has given itself back what it had. On the way it may write to its broken socket: the signal for that, which CRIU's mask holds back
 * until the end, is not the program's.
 */
function finishServing(tid: number, code: Code): boolean {
  const hadSignal = hasPending(tid, SIGPIPE);
  clearBreakpoints(tid);
  const giveUpAtMs = performance.now() + servingMs;
  do {
    resumeToCall(tid);
    if (nextChange(tid, patienceMs)?.kind !== 'call' || performance.now() > giveUpAtMs) return false;
  } while (isInParasite(code, instructionOf(tid)));
  if (!hadSignal && hasPending(tid, SIGPIPE)) swallow(tid, SIGPIPE);
  return true;
}

/** A signal that waits and is none of the program's is taken when it is delivered; others that come first are the program's. */
function swallow(tid: number, signal: number): void {
  for (let passOn = 0; ; ) {
    resume(tid, passOn);
    const change = nextChange(tid, patienceMs);
    if (change?.kind !== 'signal' || change.signal === signal) return;
    passOn = change.signal;
  }
}

function hasPending(tid: number, signal: number): boolean {
  const pending = BigInt(`0x${/^SigPnd:\s+([0-9a-f]+)/m.exec(readText(`/proc/${tid}/status`) ?? '')?.[1] ?? '0'}`);
  return (pending & (1n << BigInt(signal - 1))) !== 0n;
}

function instructionOf(tid: number): bigint {
  return readRegisters(tid).readBigUInt64LE(word.instruction * 8);
}

function isInParasite({ parasites }: Code, at: bigint): boolean {
  return parasites.some(({ from, to }) => at >= from && at < to);
}

function processOf(tid: number): number {
  return Number(/^Tgid:\s+(\d+)/m.exec(readText(`/proc/${tid}/status`) ?? '')?.[1] ?? tid);
}

function codeOf(pid: number): Code | undefined {
  const maps = readText(`/proc/${pid}/maps`) ?? '';
  const first = /^([0-9a-f]+)-([0-9a-f]+) ..x. ([0-9a-f]+) \S+ (\d+)/m.exec(maps);
  if (!first) return undefined;
  const [, start, end, offset, inode] = first as unknown as [string, string, string, string, string];
  return {
    start: BigInt(`0x${start}`),
    file: inode === '0' ? undefined : { path: `/proc/${pid}/map_files/${start}-${end}`, offset: Number.parseInt(offset, 16) },
    parasites: [...maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) r-xs .*\/memfd:CRIUMFD/gm)].map(([, from, to]) => ({ from: BigInt(`0x${from}`), to: BigInt(`0x${to}`) })),
  };
}

function isPoked(pid: number, { start }: Code): boolean {
  return readAt(`/proc/${pid}/mem`, start)?.equals(pokedCode) ?? false;
}

function unpoke(pid: number, code: Code): void {
  if (!code.file || !isPoked(pid, code)) return;
  const original = readAt(code.file.path, BigInt(code.file.offset));
  if (!original) return;
  const fd = openSync(`/proc/${pid}/mem`, 'r+');
  try {
    writeSync(fd, original, 0, original.length, Number(code.start));
  } finally {
    closeSync(fd);
  }
}

function readAt(path: string, position: bigint): Buffer | undefined {
  return quietly(() => {
    const fd = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(pokedCode.length);
      return readSync(fd, bytes, 0, bytes.length, position) === bytes.length ? bytes : undefined;
    } finally {
      closeSync(fd);
    }
  });
}

/** For what may have ended meanwhile. */
function quietly<Result>(run: () => Result): Result | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}
