/**
 * What CRIU has noted of the threads that it works in, found in its memory.
 *
 * Before it runs code of its own in a thread it saves the thread's signal mask and registers in a `struct thread_ctx` on its heap. That is looked for by
 * its content, not by offsets in one build of CRIU: the registers that never change while CRIU works (TLS and segments) and the thread's number before
 * them. Where more than one place answers and they differ, nothing is known. x86-64 alone: elsewhere no register tells threads apart.
 */

export interface ThreadInCriu {
  /** The first thread's number. */
  pid: number;
  tid: number;
  /** General registers, as the thread has them now. */
  registers: Buffer;
  /** Extended registers, as the thread has them now. */
  extended: Buffer;
}

export interface SavedContext {
  signalMask: bigint;
  registers: Buffer;
  /** CRIU saves them for threads other than the first before it runs code in them. */
  extended: Buffer | undefined;
}

/** `struct user_regs_struct` of x86-64, in words of eight bytes. */
export const word = { instruction: 16, codeSegment: 17, stackSegment: 20, threadBase: 21, otherBase: 22 } as const;
export const registerBytes = 27 * 8;
const nativeMagic = 0x0a;

const closestOwnerBytes = 16;
const farthestThreadBytes = 136;
const farthestLeaderBytes = 1024;
/** After the registers, wherever the compiler has aligned them to. */
const farthestExtendedBytes = 384;
const featuresAt = 464; // in an xsave area: which states the kernel keeps, the same for all threads
const pageBytes = 4096n;

export function findSavedContext(heap: Buffer, thread: ThreadInCriu): SavedContext | undefined {
  const bases = thread.registers.subarray(word.threadBase * 8, (word.otherBase + 1) * 8);
  let found: SavedContext | undefined;
  for (let at = heap.indexOf(bases); at !== -1; at = heap.indexOf(bases, at + 1)) {
    const start = at - word.threadBase * 8;
    if (start % 8 !== 0 || !isContext(heap, start, thread)) continue;
    const context = { signalMask: heap.readBigUInt64LE(start - 8), registers: Buffer.from(heap.subarray(start, start + registerBytes)), extended: extendedAfter(heap, start, thread) };
    if (found && !(found.signalMask === context.signalMask && found.registers.equals(context.registers))) return undefined;
    found = context;
  }
  return found;
}

function isContext(heap: Buffer, start: number, thread: ThreadInCriu): boolean {
  if (start < 8 + closestOwnerBytes || start + registerBytes + 2 > heap.length) return false;
  const isSame = (index: number): boolean => heap.readBigUInt64LE(start + index * 8) === thread.registers.readBigUInt64LE(index * 8);
  return isSame(word.codeSegment) && isSame(word.stackSegment) && heap.readUInt16LE(start + registerBytes) === nativeMagic && (thread.tid === thread.pid ? isOfLeader : isOfThread)(heap, start, thread);
}

/** `struct parasite_thread_ctl`: the thread's number, a pointer, the context. */
function isOfThread(heap: Buffer, start: number, { tid }: ThreadInCriu): boolean {
  for (let at = start - 8 - closestOwnerBytes; at >= Math.max(0, start - farthestThreadBytes); at -= 8) if (heap.readUInt32LE(at) === tid) return true;
  return false;
}

/** `struct parasite_ctl`: the process's number, four words that are zero or lie on pages but for the third, some more, the context. */
function isOfLeader(heap: Buffer, start: number, { pid }: ThreadInCriu): boolean {
  for (let at = start - 64; at >= Math.max(0, start - farthestLeaderBytes); at -= 8) {
    if (heap.readUInt32LE(at) === pid && [8, 16, 32].every((offset) => heap.readBigUInt64LE(at + offset) % pageBytes === 0n)) return true;
  }
  return false;
}

function extendedAfter(heap: Buffer, start: number, { extended }: ThreadInCriu): Buffer | undefined {
  if (extended.length < featuresAt + 8) return undefined;
  const features = extended.readBigUInt64LE(featuresAt);
  for (let at = start + registerBytes + 8; at <= start + registerBytes + farthestExtendedBytes; at += 8) {
    if (at + extended.length > heap.length) return undefined;
    if (heap.readBigUInt64LE(at + featuresAt) === features) return Buffer.from(heap.subarray(at, at + extended.length));
  }
  return undefined;
}
