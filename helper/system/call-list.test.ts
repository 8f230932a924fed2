import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { callListProgram, type SystemCall } from './call-list';

const directory = mkdtempSync(join(tmpdir(), 'zap-calls-'));
afterAll(() => rmSync(directory, { recursive: true }));
let count = 0;

function runCalls(calls: SystemCall[]): { status: number | null; stdout: string; stderr: string } {
  const path = join(directory, String(count++));
  writeFileSync(path, callListProgram(calls, 'it failed\n'));
  chmodSync(path, 0o700);
  return spawnSync(path, { encoding: 'utf8' });
}

const say = (text: string): SystemCall => ({ name: 'write', arguments: [1, Buffer.from(text), text.length] });
const leave = (status: number): SystemCall => ({ name: 'exit_group', arguments: [status] });

test('its calls are made in order', () => {
  expect(runCalls([say('one '), say('two'), leave(7)])).toMatchObject({ status: 7, stdout: 'one two', stderr: '' });
});

test('a call that fails ends it and says so, unless it may fail', () => {
  const bad: SystemCall = { name: 'write', arguments: [99, Buffer.from('x'), 1] };
  expect(runCalls([say('before'), bad, say('after'), leave(0)])).toMatchObject({ status: 125, stdout: 'before', stderr: 'it failed\n' });
  expect(runCalls([{ ...bad, mayFail: true }, say('after'), leave(0)])).toMatchObject({ status: 0, stdout: 'after' });
});

test('it becomes another program, with the arguments and the environment that it was given', () => {
  const shell: SystemCall = { name: 'execve', arguments: [Buffer.from('/bin/sh\0'), ['sh', '-c', 'echo "$0 $A"; umask', 'as it is: \n$`'], ['A=b c']] };
  expect(runCalls([{ name: 'umask', arguments: [0o26] }, shell])).toMatchObject({ status: 0, stdout: 'as it is: \n$` b c\n0026\n' });
});

test('there is one for the other architecture, of the same form', () => {
  const [here, there] = ['x64', 'arm64'].map((arch) => callListProgram([say('x'), leave(0)], 'no', arch));
  expect(there!.length).toBe(here!.length);
  expect(there!.readUInt16LE(18)).toBe(183);
  expect(() => callListProgram([], '', 's390x')).toThrow('s390x');
});
