/** Which processors a thread may use, and who goes first. */
import { checked, libc } from './native';

const getAffinity = libc<[number, number, Buffer]>('int sched_getaffinity(int tid, size_t size, _Out_ uint8_t *mask)');
const setAffinity = libc<[number, number, Buffer]>('int sched_setaffinity(int tid, size_t size, uint8_t *mask)');
const setScheduler = libc<[number, number, Buffer]>('int sched_setscheduler(int tid, int policy, uint8_t *parameters)');

const maskBytes = 1024; // 8192 processors, the most that Linux is built for
const SCHED_FIFO = 1;
const SCHED_RESET_ON_FORK = 0x40000000;

export type ProcessorMask = Buffer;

/** undefined when there is no such thread (any more). */
export function processorsOf(tid: number): ProcessorMask | undefined {
  const mask = Buffer.alloc(maskBytes);
  return getAffinity(tid, maskBytes, mask) === 0 ? mask : undefined;
}

/** Whether it could be done: a control group may forbid the processors, and the thread may be gone. */
export function useProcessors(tid: number, mask: ProcessorMask): boolean {
  return setAffinity(tid, mask.length, mask) === 0;
}

export function onlyProcessor(number: number): ProcessorMask {
  const mask = Buffer.alloc(maskBytes);
  mask[number >> 3] = 1 << (number & 7);
  return mask;
}

export function processorNumbers(mask: ProcessorMask): number[] {
  return Array.from({ length: mask.length * 8 }, (_, number) => number).filter((number) => mask[number >> 3]! & (1 << (number & 7)));
}

/** Runs before everything that is not of real time; what it starts does not. Throws where control groups or missing rights forbid it. */
export function putBeforeOthers(tid: number, priority: number): void {
  const parameters = Buffer.alloc(4);
  parameters.writeInt32LE(priority);
  checked(setScheduler(tid, SCHED_FIFO | SCHED_RESET_ON_FORK, parameters), 'sched_setscheduler');
}

const left = new Map<object, number>();
export const ownProcessors: ProcessorMask = processorsOf(0) ?? onlyProcessor(0);

/**
 * This process's main thread keeps away from a processor that something goes before it on; with undefined it need not any more, as far as `owner` is
 * concerned. The kernel would let it wait there, and move it only after a while.
 */
export function leaveProcessor(owner: object, processor: number | undefined): void {
  if (processor !== undefined) left.set(owner, processor);
  else if (!left.delete(owner)) return;
  const mask = Buffer.from(ownProcessors);
  for (const one of left.values()) mask[one >> 3]! &= ~(1 << (one & 7));
  useProcessors(process.pid, mask.some((byte) => byte !== 0) ? mask : ownProcessors);
}

/** For what starts a program: it would inherit, for good, what this process has left. */
export function withOwnProcessors<Result>(run: () => Result): Result {
  if (left.size === 0) return run();
  const now = processorsOf(0);
  useProcessors(0, ownProcessors);
  try {
    return run();
  } finally {
    if (now) useProcessors(0, now);
  }
}
