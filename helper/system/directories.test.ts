import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeDirectories } from './directories';

let base: string;
beforeEach(() => (base = mkdtempSync(join(tmpdir(), 'zap-directories-'))));
afterEach(() => rmSync(base, { recursive: true }));

test('makes what is missing, with the mode that was asked for, and leaves what is there', () => {
  makeDirectories(join(base, 'a/b'), 0o700);
  makeDirectories(join(base, 'a/b/c'), 0o755);
  expect(['a', 'a/b', 'a/b/c'].map((path) => statSync(join(base, path)).mode & 0o777)).toEqual([0o700, 0o700, 0o755]);
});

test.skipIf(process.getuid!() !== 0)('says that a disk cannot be written to', () => {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'zap-directories', base]);
  try {
    expect(() => makeDirectories(join(base, 'a/b'), 0o700)).toThrow(expect.objectContaining({ code: 'EROFS' }));
  } finally {
    execFileSync('umount', [base]);
  }
});
