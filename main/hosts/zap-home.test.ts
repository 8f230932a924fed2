import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeZapHome } from './zap-home';

let base: string;
beforeEach(() => void (base = mkdtempSync(join(tmpdir(), 'zap-home-'))));
afterEach(() => rmSync(base, { recursive: true, force: true }));

test('it is made with its parents, for its owner alone, and twice is harmless', async () => {
  const path = join(base, 'a', 'b');
  await makeZapHome(path);
  await makeZapHome(path);
  expect(statSync(path).mode & 0o777).toBe(0o700);
});

test('where no directory can be made, that is said at once', async () => {
  writeFileSync(join(base, 'file'), '');
  for (const path of ['/proc/nope', '/proc/nope/deeper', join(base, 'file'), join(base, 'file', 'below')]) {
    await expect(makeZapHome(path)).rejects.toMatchObject({ code: 'usage/zap-home', data: { path } });
  }
});
