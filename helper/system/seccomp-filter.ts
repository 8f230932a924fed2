/**
 * The system call filters that a running process is under, as the kernel has them (ptrace(2), PTRACE_SECCOMP_GET_FILTER).
 *
 * They are asked for and not made anew: so a program that joins a POD is under the very filter that the POD's own are, whichever helper made it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ZapError } from '../protocol/errors';
import { checked, lastErrno, libc } from './native';

const ptraceNumber = libc<[number, number, number, number]>('int64_t ptrace(int request, int pid, uint64_t address, uint64_t data)');
const ptraceBytes = libc<[number, number, number, Buffer]>('int64_t ptrace(int request, int pid, uint64_t address, _Out_ uint8_t *data)');
const waitpid = libc<[number, Buffer, number]>('int waitpid(int pid, _Out_ uint8_t *status, int options)');

const PTRACE_SEIZE = 0x4206;
const PTRACE_INTERRUPT = 0x4207;
const PTRACE_DETACH = 17;
const PTRACE_SECCOMP_GET_FILTER = 0x420c;
const WNOHANG = 1;
const WALL = 0x40000000;
const ENOENT = 2;
const instructionBytes = 8;
const stopTimeoutMs = 2000;

/** Filters from the oldest to the newest, as arrays of `struct sock_filter`. The process is stopped for some microseconds; nobody else may trace it. */
export async function filtersOf(pid: number): Promise<Buffer[]> {
  checked(Number(ptraceNumber(PTRACE_SEIZE, pid, 0, 0)), 'ptrace(PTRACE_SEIZE)', `process ${pid}`);
  try {
    checked(Number(ptraceNumber(PTRACE_INTERRUPT, pid, 0, 0)), 'ptrace(PTRACE_INTERRUPT)', `process ${pid}`);
    await untilStopped(pid);
    const filters: Buffer[] = [];
    for (;;) {
      const instructions = Number(ptraceNumber(PTRACE_SECCOMP_GET_FILTER, pid, filters.length, 0));
      if (instructions === -1 && lastErrno() === ENOENT) return filters;
      const filter = Buffer.alloc(checked(instructions, 'ptrace(PTRACE_SECCOMP_GET_FILTER)') * instructionBytes);
      checked(Number(ptraceBytes(PTRACE_SECCOMP_GET_FILTER, pid, filters.length, filter)), 'ptrace(PTRACE_SECCOMP_GET_FILTER)');
      filters.push(filter);
    }
  } finally {
    ptraceNumber(PTRACE_DETACH, pid, 0, 0);
  }
}

async function untilStopped(pid: number): Promise<void> {
  const giveUpAtMs = performance.now() + stopTimeoutMs;
  const status = Buffer.alloc(4);
  for (;;) {
    if (checked(waitpid(pid, status, WNOHANG | WALL), 'waitpid') === pid) return;
    if (performance.now() > giveUpAtMs) throw new ZapError('system/not-stopped', `Process ${pid} could not be stopped to read its system call filter.`);
    await sleep(1);
  }
}
