/** The helper for another processor than this machine's. It cannot be run here; what it is made of can be looked at. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readBundle } from '../../helper/criu/managed';
import { run } from '../../helper/system/spawn';
import { allExecutables, executableFor, findHelperExecutable } from '../../main/helper-client/executable';
import { ensureBuilt } from './support/build';

const top = join(import.meta.dirname, '../..');
/** Of an ELF header: the processor. */
const machineOf = (file: Buffer): number => file.readUInt16LE(18);
const aarch64 = 183;

describe('a helper for arm64', () => {
  let directory: string;
  beforeAll(async () => {
    await ensureBuilt();
    directory = mkdtempSync(join(tmpdir(), 'zap-arm64-'));
    await run(process.execPath, [join(top, 'assets/build/helper.mjs'), directory, 'arm64'], { cwd: top, env: { ...process.env } });
  }, 300_000);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test('is a program for that processor, with our code, koffi and CRIU in it', () => {
    const executable = readFileSync(join(directory, 'zap-helper-arm64'));
    expect(executable.subarray(0, 4).toString('latin1')).toBe('\x7fELF');
    expect(machineOf(executable)).toBe(aarch64);
    expect(createHash('sha256').update(executable).digest('hex')).toBe(readFileSync(join(directory, 'zap-helper-arm64.sha256'), 'utf8'));
    expect(executable.includes('NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:1')).toBe(true);
    expect(executable.includes('usage: zap-helper serve | --version')).toBe(true);
    expect(executable.includes(readFileSync(join(directory, 'criu-arm64.bundle')))).toBe(true);
  });

  test('brings a CRIU for that processor, every file of it', () => {
    const bundle = readBundle(readFileSync(join(directory, 'criu-arm64.bundle')));
    const contents = brotliDecompressSync(bundle.compressed);
    const machines = new Map<string, number>();
    let at = 0;
    for (const { path, sizeBytes, sha256 } of bundle.files) {
      const content = contents.subarray(at, (at += sizeBytes));
      expect(createHash('sha256').update(content).digest('hex'), path).toBe(sha256);
      if (/^(?:lib|loader)\//.test(path)) machines.set(path, machineOf(content));
    }
    expect(machines.size).toBeGreaterThan(10);
    expect([...machines.keys()]).toEqual(expect.arrayContaining(['lib/criu', 'loader/criu', 'lib/libc.so.6']));
    expect([...new Set(machines.values())]).toEqual([aarch64]);
  });

  test('stands beside the other, each for its own', async () => {
    for (const name of ['zap-helper', 'zap-helper.sha256']) await run('ln', ['-s', join(top, 'dist', name), join(directory, name)]);
    const executable = await findHelperExecutable(directory);
    expect(allExecutables(executable).map(({ machine }) => machine)).toEqual(['x86_64', 'aarch64']);
    expect(executableFor(executable, 'aarch64')?.path).toBe(join(directory, 'zap-helper-arm64'));
    expect(executableFor(executable, 'x86_64')?.path).toBe(join(directory, 'zap-helper'));
    expect(executableFor(executable, 'riscv64')).toBeUndefined();
  });
});
