/** ioprio_get(2) and ioprio_set(2), for which libc has no names. */
import { checked, libc } from './native';

const systemCall = libc<[number, number, number, number]>('long syscall(long number, long which, long who, long value)');
const numbers = process.arch === 'arm64' ? { set: 30, get: 31 } : { set: 251, get: 252 };
const IOPRIO_WHO_PROCESS = 1;
const classShift = 13;

/** Of a thread; undefined when it has none of its own, or has ended. */
export function ioPriorityOf(thread: number): number | undefined {
  const value = Number(systemCall(numbers.get, IOPRIO_WHO_PROCESS, thread, 0));
  return value === -1 || value >> classShift === 0 ? undefined : value;
}

export function setIoPriority(thread: number, value: number): void {
  checked(Number(systemCall(numbers.set, IOPRIO_WHO_PROCESS, thread, value)), 'ioprio_set');
}
