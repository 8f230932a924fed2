import { describe, expect, it } from 'vitest';
import type { PastMove } from './history';
import { predict, type Coming } from './prediction';

const modelled = { downtimeMs: 100, totalMs: 1000, sentBytes: 1e6 };
const coming: Coming = { pod: 'a', from: 'alpha', to: 'beta', memoryBytes: 80e6, modelled, environmentBytes: 0 };
const past = (factor: number, change: Partial<PastMove> = {}): PastMove => ({
  pod: 'a',
  from: 'alpha',
  to: 'beta',
  memoryBytes: 80e6,
  modelled,
  seen: { downtimeMs: 100 * factor, totalMs: 1000 * factor, sentBytes: 1e6 * factor },
  ...change,
});

describe('predict', () => {
  it('says what the model says as long as nothing was seen', () => {
    expect(predict([], coming)).toEqual({ ...modelled, pastMoves: 0 });
    expect(predict([past(3, { to: 'gamma' })], coming).downtimeMs).toBe(100);
  });

  it('comes close to what this POD took the last time', () => {
    const { downtimeMs, totalMs, sentBytes, pastMoves } = predict([past(3)], coming);
    expect(pastMoves).toBe(1);
    for (const [said, seen] of [[downtimeMs, 300], [totalMs, 3000], [sentBytes, 3e6]] as const) expect(Math.abs(said / seen - 1)).toBeLessThan(0.1);
  });

  it('believes the newer, the same POD, the same size and the same direction more', () => {
    const between = (low: PastMove, high: PastMove): number => predict([low, high], coming).downtimeMs;
    expect(between(past(1), past(4))).toBeGreaterThan(between(past(4), past(1)));
    expect(between(past(1, { pod: 'b' }), past(4))).toBeGreaterThan(between(past(1), past(4)));
    expect(between(past(1, { pod: 'b', memoryBytes: 8e9 }), past(4))).toBeGreaterThan(between(past(1, { pod: 'b' }), past(4)));
    expect(between(past(1, { from: 'beta', to: 'alpha' }), past(4))).toBeGreaterThan(between(past(1), past(4)));
  });

  it('knows by the last move that the other host keeps what it was sent, whatever other PODs sent', () => {
    const sent = (pod: string, bytes: number): PastMove => past(1, { pod, seen: { ...modelled, sentBytes: bytes } });
    const first = [sent('a', 1e6), sent('b', 1e6), sent('c', 2e4)];
    expect(predict(first, coming).sentBytes / 1e6).toBeCloseTo(1, 0);
    const said = predict([...first, sent('a', 1e4), sent('b', 9e5), sent('c', 3e4)], coming).sentBytes;
    expect(Math.abs(said / 1e4 - 1)).toBeLessThan(0.3);
  });

  it('counts an environment at the pace of the last one that was sent', () => {
    const slow = past(1, { environment: { bytes: 1e6, ms: 500 } });
    const { totalMs, sentBytes } = predict([slow], { ...coming, environmentBytes: 2e6 });
    expect(totalMs).toBe(2000);
    expect(sentBytes).toBe(3e6);
  });
});
