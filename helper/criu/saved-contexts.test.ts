import { expect, test } from 'vitest';
import { findSavedContext, registerBytes, word } from './saved-contexts';

const [pid, tid] = [4242, 4250];
const contextAt = 64; // in parasite_thread_ctl: the number, a pointer, up to an alignment of 64
const extended = Buffer.alloc(832);
extended.writeBigUInt64LE(7n, 464);

function registers(instruction: bigint): Buffer {
  const bytes = Buffer.alloc(registerBytes);
  for (const [index, value] of [[word.instruction, instruction], [word.codeSegment, 0x33n], [word.stackSegment, 0x2bn], [word.threadBase, 0x7f0011223340n]] as const) bytes.writeBigUInt64LE(value, index * 8);
  return bytes;
}

function note(owner: number, instruction: bigint, mask: bigint): Buffer {
  const bytes = Buffer.alloc(2048);
  bytes.writeUInt32LE(owner, 0);
  bytes.writeBigUInt64LE(mask, contextAt);
  registers(instruction).copy(bytes, contextAt + 8);
  bytes.writeUInt16LE(0x0a, contextAt + 8 + registerBytes);
  extended.copy(bytes, contextAt + 256);
  bytes.fill(0x5a, contextAt + 256, contextAt + 256 + 100);
  return bytes;
}

const thread = { pid, tid, registers: registers(0x1000n), extended };

test('the note of the thread is found among those of others that look alike', () => {
  const heap = Buffer.concat([Buffer.alloc(64), note(4251, 0x51n, 1n), note(tid, 0x50n, 0x10000n), note(4249, 0x49n, 2n)]);
  const saved = findSavedContext(heap, thread)!;
  expect(saved.signalMask).toBe(0x10000n);
  expect(saved.registers).toEqual(registers(0x50n));
  expect(saved.extended?.subarray(0, 100)).toEqual(Buffer.alloc(100, 0x5a));
});

test('two notes that differ are none; the same twice is one', () => {
  expect(findSavedContext(Buffer.concat([note(tid, 0x50n, 1n), note(tid, 0x60n, 1n)]), thread)).toBeUndefined();
  expect(findSavedContext(Buffer.concat([note(tid, 0x50n, 1n), note(tid, 0x50n, 1n)]), thread)?.signalMask).toBe(1n);
});

test('no note: nothing, at the edges of the memory too', () => {
  for (const heap of [Buffer.alloc(0), registers(0x50n), Buffer.concat([registers(0x50n), Buffer.from([0x0a, 0])]), note(4251, 0x50n, 1n)]) expect(findSavedContext(heap, thread)).toBeUndefined();
});

test('the first thread is told by its process', () => {
  const heap = Buffer.concat([Buffer.alloc(40), note(pid, 0x50n, 3n)]);
  expect(findSavedContext(heap, { ...thread, tid: pid })?.signalMask).toBe(3n);
});
