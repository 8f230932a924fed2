import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitCodes } from '../../helper/protocol/errors';
import { runCli } from './run';
import { commands } from './verbs/table';

let home: string;
beforeAll(async () => void (home = await mkdtemp(join(tmpdir(), 'zap-cli-'))));
afterAll(() => rm(home, { recursive: true, force: true }));

async function run(argv: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const printed = { stdout: '', stderr: '' };
  const sink = (name: keyof typeof printed, isTTY: boolean) => ({ isTTY, write: (text: string | Uint8Array) => void (printed[name] += String(text)) });
  const io = { stdin: Readable.from([]), stdout: sink('stdout', true), stderr: sink('stderr', true) };
  const status = await runCli(argv, io, { zapHome: join(home, 'zap'), distDirectory: home, signal: new AbortController().signal });
  return { status, ...printed };
}

/** Where there is no host, no build and nobody to be asked: it takes a machine to itself. */
const others = commands.filter(({ name }) => name !== 'lab up' && name !== 'lab down');

describe('--json', () => {
  it.each(others.map(({ name }) => name))('zap %s prints one object, and nothing besides', async (name) => {
    const { operands, trailing } = commands.find((one) => one.name === name)!;
    const { status, stdout, stderr } = await run([...name.split(' '), ...Object.values(operands).flatMap(({ isOptional }) => (isOptional ? [] : ['nothing-of-that-name'])), '--json', ...(trailing && !trailing.isOptional ? ['--', 'true'] : [])]);
    expect(stderr).toBe('');
    expect(stdout.indexOf('\n')).toBe(stdout.length - 1);
    const { error } = JSON.parse(stdout) as { error?: { code: string; message: string } };
    if (!error) return expect(status).toBe(0);
    expect(status).toBe(exitCodes[error.code.split('/')[0] as keyof typeof exitCodes]);
    expect(error.message).toMatch(/^.+\.$/);
  });
});
