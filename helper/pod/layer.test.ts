import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeLayer, writeIdentity } from './layer';
import { podPaths } from './paths';
import type { PodRecord } from './record';

const isRoot = process.getuid?.() === 0;
const record = { id: 'feedfeed0001', name: 'copy', uidBase: 2 ** 30 } as PodRecord;
const { directory, layer } = podPaths(record.id);
let outside: string;

beforeEach(() => {
  outside = mkdtempSync(join(tmpdir(), 'zap-outside-'));
  if (isRoot) makeLayer(record);
});
afterEach(() => {
  rmSync(outside, { recursive: true });
  if (isRoot) rmSync(directory, { recursive: true, force: true });
});

test.skipIf(!isRoot)('a link that the POD planted is replaced, and what it led to is as it was', () => {
  symlinkSync(outside, join(layer, 'etc'));
  writeFileSync(join(outside, 'hostname'), 'of the host');
  writeIdentity(record);
  expect(lstatSync(join(layer, 'etc')).isDirectory()).toBe(true);
  expect(readFileSync(join(layer, 'etc/hostname'), 'utf8')).toBe('copy\n');
  expect(readFileSync(join(outside, 'hostname'), 'utf8')).toBe('of the host');
  expect(readdirSync(outside)).toEqual(['hostname']);
});

test.skipIf(!isRoot)('so are a link, a directory and a pipe in place of a file', () => {
  mkdirSync(join(layer, 'etc/hosts'), { recursive: true });
  symlinkSync(join(outside, 'made'), join(layer, 'etc/machine-id'));
  writeIdentity(record);
  expect(existsSync(join(outside, 'made'))).toBe(false);
  expect(readFileSync(join(layer, 'etc/machine-id'), 'utf8')).toMatch(/^feedfeed0001/);
  expect(statSync(join(layer, 'etc/hosts')).uid).toBe(record.uidBase);
  expect(statSync(layer).mode & 0o777).toBe(0o755);
});
