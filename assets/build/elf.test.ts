import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const module = join(import.meta.dirname, 'elf.mjs');
const node = (script: string, ...args: string[]): string => execFileSync(process.execPath, ['--input-type=module', '-e', `import { readFileSync, writeFileSync } from 'node:fs'; import { readElf, stripElf } from ${JSON.stringify(module)}; ${script}`, ...args]).toString();

it('reads what a program needs, as the loader does', () => {
  const [elf, listed] = [JSON.parse(node('const { arch, needed, interpreter } = readElf(readFileSync(process.argv[1])); console.log(JSON.stringify({ arch, needed, interpreter }))', '/bin/bash')) as { arch: string; needed: string[]; interpreter: string }, execFileSync('ldd', ['/bin/bash']).toString()];
  expect(elf.arch).toBe(process.arch);
  expect(elf.needed).toContain('libc.so.6');
  for (const name of [...elf.needed, elf.interpreter]) expect(listed).toContain(name);
  expect(node('console.log(readElf(Buffer.from("#!/bin/sh")))').trim()).toBe('undefined');
});

it('takes symbols out of a program that still runs', () => {
  const directory = mkdtempSync(join(tmpdir(), 'zap-elf-'));
  try {
    const [before, after] = [process.execPath, join(directory, 'node')];
    node('writeFileSync(process.argv[2], stripElf(readFileSync(process.argv[1])))', before, after);
    chmodSync(after, 0o755);
    expect(statSync(after).size).toBeLessThan(statSync(before).size);
    expect(execFileSync(after, ['-p', '6 * 7']).toString()).toBe('42\n');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
