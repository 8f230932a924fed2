import { expect, it, vi } from 'vitest';
import { SampleLog } from './samples';

it('tells only those who show what was measured, keeps the last ones, and takes in the past', () => {
  const log = new SampleLog<{ atMs: number }>();
  const [a, b] = [vi.fn(), vi.fn()];
  const stop = log.subscribe('a', a);
  log.subscribe('b', b);
  for (let atMs = 100; atMs < 300; atMs++) log.add('a', { atMs });
  expect([a.mock.calls.length, b.mock.calls.length]).toEqual([200, 0]);
  expect([log.get('a').length, log.get('a')[0]?.atMs, log.last('a')?.atMs]).toEqual([90, 210, 299]);
  stop();
  log.add('b', { atMs: 5 });
  log.fill('b', [{ atMs: 1 }, { atMs: 2 }, { atMs: 6 }]);
  expect(log.get('b')).toEqual([{ atMs: 1 }, { atMs: 2 }, { atMs: 5 }]);
  log.forget((key) => key === 'b');
  expect([log.get('a'), a.mock.calls.length]).toEqual([[], 200]);
});
