import { expect, test, vi } from 'vitest';
import { Throttle } from './throttle';

test('so many bytes take the time that the bound gives them, and idle time is not made up for', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] });
  try {
    const throttle = new Throttle(1_000_000);
    const times: number[] = [];
    const startMs = performance.now();
    const done = (async () => {
      for (let count = 0; count < 4; count++) {
        await throttle.sent(250_000);
        times.push(performance.now() - startMs);
      }
    })();
    await vi.advanceTimersByTimeAsync(2000);
    await done;
    expect(times.map(Math.round)).toEqual([250, 500, 750, 1000]);
    let isOver = false;
    void throttle.sent(250_000).then(() => (isOver = true));
    await vi.advanceTimersByTimeAsync(200);
    expect(isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(100);
    expect(isOver).toBe(true);
  } finally {
    vi.useRealTimers();
  }
});
