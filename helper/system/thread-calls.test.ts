import { expect, test } from 'vitest';
import { callNumber, goesOnAfterStop, mayHoldPages, parseCall } from './thread-calls';

const call = (number: number, ...args: number[]): ReturnType<typeof parseCall> => parseCall(`${number} ${[...args, 0, 0, 0, 0, 0, 0].slice(0, 6).map((arg) => `0x${BigInt.asUintN(64, BigInt(arg)).toString(16)}`).join(' ')} 0x7ffc0 0x7f00\n`);
const leadsTo = (target: string | undefined) => () => target;
const nowhere = leadsTo(undefined);

test('what the kernel says of a thread', () => {
  expect(parseCall('running\n')).toEqual({ kind: 'running' });
  expect(parseCall('-1 0x7ffd1 0x7f01\n')).toEqual({ kind: 'outside' });
  expect(parseCall('202 0x7f1 0x189 0x0 0x0 0x0 0xffffffff 0x7ffd 0x7f02\n')).toEqual({ kind: 'call', number: 202, args: [0x7f1n, 0x189n, 0n, 0n, 0n, 0xffffffffn] });
});

test('a thread is stopped only in calls that the kernel goes on with by itself', () => {
  const goesOn = [call(callNumber.futex, 1, 0x80), call(callNumber.futex, 1, 0x189), call(callNumber.poll), call(callNumber.clock_nanosleep), call(callNumber.wait4), call(callNumber.epoll_wait, 4, 5, 6, -1), call(callNumber.epoll_pwait, 4, 5, 6, 0xffffffff)];
  for (const one of goesOn) expect(goesOnAfterStop(one, nowhere)).toBe(true);
  const not = [call(callNumber.futex, 1, 0x81), call(callNumber.epoll_wait, 4, 5, 6, 500), call(callNumber.semop), call(callNumber.recvfrom, 3), call(callNumber.pread64, 3), parseCall('running'), parseCall('-1 0x0 0x0')];
  for (const one of not) expect(goesOnAfterStop(one, leadsTo('socket:[7]'))).toBe(false);
  expect(goesOnAfterStop(call(callNumber.read, 3), leadsTo('pipe:[7]'))).toBe(true);
  expect(goesOnAfterStop(call(callNumber.read, 3), leadsTo('socket:[7]'))).toBe(false); // it may have a time limit
});

test('a call may hold pages when it reads a file, which can be directly from the disk, or writes to others', () => {
  for (const target of ['/home/user/data', '/dev/sda', undefined]) expect(mayHoldPages(call(callNumber.pread64, 3), leadsTo(target))).toBe(true);
  for (const target of ['pipe:[7]', 'socket:[7]', 'anon_inode:[eventfd]', '/dev/pts/3', '/dev/tty']) expect(mayHoldPages(call(callNumber.read, 3), leadsTo(target))).toBe(false);
  expect(mayHoldPages(call(callNumber.process_vm_writev, 9), nowhere)).toBe(true);
  expect(mayHoldPages(call(callNumber.pwrite64, 3), leadsTo('/proc/9/mem'))).toBe(true);
  expect(mayHoldPages(call(callNumber.write, 3), leadsTo('/home/user/log'))).toBe(false);
  expect(mayHoldPages(call(callNumber.futex, 1, 0x80), nowhere)).toBe(false);
  expect(mayHoldPages(parseCall('-1 0x0 0x0'), nowhere)).toBe(false);
});
