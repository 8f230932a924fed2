import { expect, it } from 'vitest';
import { Output } from './output';
import { PhaseProgress } from './progress';

function screen({ isTTY = true, isJson = false } = {}) {
  let shown = '';
  let nowMs = 0;
  const write = (text: string | Uint8Array): void => void (shown += String(text));
  const progress = new PhaseProgress(new Output({ write }, { write, isTTY, columns: 80 }, isJson), () => nowMs);
  return { progress, pass: (ms: number) => void (nowMs += ms), shown: () => shown.replaceAll('\r\x1b[K', '\r') };
}

it('shows the phase at work with its bytes and their rate, and leaves those that have ended with what they took', () => {
  const { progress, pass, shown } = screen();
  progress.on({ phase: 'files' });
  pass(20);
  progress.on({ phase: 'memory', bytes: 0, totalBytes: 64_000_000 });
  pass(500);
  progress.on({ phase: 'memory', bytes: 32_000_000, totalBytes: 64_000_000 });
  pass(500);
  progress.on({ phase: 'commit', isCommitted: true });
  progress.end();
  expect(shown().split(/[\r\n]+/)).toEqual([
    '', 'files', 'files  20 ms', 'memory       0 B of 64.0 MB', 'memory       32.0 MB of 64.0 MB  64.0 MB/s', 'memory       32.0 MB of 64.0 MB  32.0 MB/s  1000 ms', 'commit  (can no longer be cancelled)', 'commit  0.0 ms', '',
  ]);
});

it.each([{ isTTY: false }, { isJson: true }])('is for people at a terminal alone: %o', (how) => {
  const { progress, shown } = screen(how);
  progress.on({ phase: 'memory', bytes: 1 });
  progress.end();
  expect(shown()).toBe('');
});
