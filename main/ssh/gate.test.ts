import { describe, expect, it } from 'vitest';
import { Gate } from './gate';

describe('Gate', () => {
  it('lets in so many at a time, in order', async () => {
    const gate = new Gate(2, 10_000);
    let inside = 0;
    let most = 0;
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 9 }, async (_, index) => {
        const leave = await gate.enter();
        order.push(index);
        most = Math.max(most, ++inside);
        await new Promise((resolve) => setTimeout(resolve, 2));
        inside--;
        leave();
        leave(); // a second time does no harm
      }),
    );
    expect(most).toBe(2);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('does not let one who stays keep the others out', async () => {
    const gate = new Gate(1, 20);
    await gate.enter();
    const startMs = performance.now();
    (await gate.enter())();
    expect(performance.now() - startMs).toBeLessThan(5_000);
  });
});
