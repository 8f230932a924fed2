import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Lock } from './lock';

let base: string;
beforeEach(() => void (base = mkdtempSync(join(tmpdir(), 'zap-lock-'))));
afterEach(() => rmSync(base, { recursive: true, force: true }));

test('one holder at a time, in one process too', () => {
  const path = join(base, 'deep', 'lock');
  const first = Lock.try(path);
  expect(first).toBeDefined();
  expect(Lock.try(path)).toBeUndefined();
  first![Symbol.dispose]();
  using again = Lock.try(path);
  expect(again).toBeDefined();
});

test('the death of its holder frees it', async () => {
  const path = join(base, 'lock');
  const child = spawn('flock', ['--no-fork', path, 'sh', '-c', 'echo held; read forever'], { stdio: ['pipe', 'pipe', 'ignore'] });
  await once(child.stdout, 'data');
  expect(Lock.try(path)).toBeUndefined();
  child.kill('SIGKILL');
  await once(child, 'exit');
  using lock = await Lock.take(path);
  expect(lock).toBeDefined();
});

test('a lock that is removed leaves no file, and whoever waited for the old one is not fooled', async () => {
  const path = join(base, 'lock');
  const first = Lock.try(path)!;
  const waiting = Lock.take(path);
  first.remove();
  using second = await waiting;
  expect(existsSync(path)).toBe(true);
  expect(Lock.try(path)).toBeUndefined();
  second.remove();
  expect(existsSync(path)).toBe(false);
});
