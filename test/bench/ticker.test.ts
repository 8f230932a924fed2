import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { longestGapMs, tickerFile, tickerProgram } from './ticker';

test('the longest gap since then', () => {
  const log = '1000.0 500.0\n2000.0 12.5\n3000.0 210.0\n4000.0 20.0\n';
  expect(longestGapMs(log, 1500)).toBe(210);
  expect(longestGapMs(log, 3500)).toBe(20);
  expect(() => longestGapMs(log, 5000)).toThrow('no gap');
  expect(() => longestGapMs('', 0)).toThrow('no gap');
});

test('the program notices for how long it was stopped', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'zap-ticker-'));
  const log = join(directory, 'log');
  const child = execFile('perl', ['-e', tickerProgram.replaceAll(tickerFile, log)]);
  const read = (): Promise<string> => readFile(log, 'utf8').catch(() => '');
  try {
    await expect.poll(() => readFile(log).then(() => true, () => false)).toBe(true);
    await delay(50);
    const stoppedMs = Date.now();
    child.kill('SIGSTOP');
    await delay(250);
    child.kill('SIGCONT');
    await expect.poll(async () => (await read()).includes('\n') && longestGapMs(await read(), stoppedMs), { timeout: 5000 }).toBeGreaterThanOrEqual(240);
  } finally {
    child.kill('SIGKILL');
    await rm(directory, { recursive: true, force: true });
  }
});
