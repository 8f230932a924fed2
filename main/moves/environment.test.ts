import { expect, test } from 'vitest';
import { choose } from './environment';

const environment = (digest: string, createdAt: string, names: string[] = []) => ({ digest: `sha256:${digest.padEnd(64, '0')}`, createdAt, names, description: '', sizeBytes: 1, files: 1, hasDisplay: false, user: 'root' });
const old = environment('aaaaaaaaaaaa1', '2026-01-01T00:00:00Z', ['shell']);
const recent = environment('bbbbbbbbbbbb2', '2026-02-01T00:00:00Z', ['shell', 'other']);

test('an environment is found by a name, of which the newest counts, by its digest, and by what of that is shown', () => {
  expect(choose([old, recent], 'shell')).toBe(recent);
  expect(choose([old, recent], old.digest)).toBe(old);
  expect(choose([old, recent], 'sha256:aaaaaaaaaaaa')).toBe(old);
});

test('fewer digits than are shown name no environment, nor do other beginnings', () => {
  expect(choose([old, recent], 'sha256:aaaa')).toBeUndefined();
  expect(choose([old, recent], 'aaaaaaaaaaaa')).toBeUndefined();
  expect(choose([old, recent], 'she')).toBeUndefined();
});
