import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { counterProgram, longestPauseMs, parseCounter, stateFile } from './counter';

test('the state is read back', () => {
  const state = parseCounter('desk 61 118\n1700000000500 212.4\n1700000009000 3011.0\n');
  expect(state).toMatchObject({ hostName: 'desk', pid: 61, count: 118 });
  expect(longestPauseMs(state, 1_700_000_000_000)).toBe(3011);
  expect(longestPauseMs(state, 1_700_000_009_001)).toBeUndefined();
});

test('the program counts, and notices that it was stopped', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'zap-counter-'));
  const state = join(directory, 'state');
  const child = execFile('perl', ['-e', counterProgram.replaceAll(stateFile, state)]);
  const read = async (isReached: (count: number) => boolean): Promise<ReturnType<typeof parseCounter>> => {
    for (;;) {
      const now = parseCounter(await readFile(state, 'utf8').catch(() => ''));
      if (isReached(now.count)) return now;
      expect(child.exitCode).toBeNull();
      await delay(20);
    }
  };
  try {
    const before = await read((count) => count >= 2);
    expect(before.pid).toBe(child.pid);
    const stoppedMs = Date.now();
    child.kill('SIGSTOP');
    await delay(300);
    child.kill('SIGCONT');
    const after = await read((count) => count > before.count + 1);
    expect(longestPauseMs(after, stoppedMs)).toBeGreaterThanOrEqual(290);
  } finally {
    child.kill('SIGKILL');
    await rm(directory, { recursive: true, force: true });
  }
});
