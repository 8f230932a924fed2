import { describe, expect, it } from 'vitest';
import { Pace } from './pace';

/** Milliseconds that so many pieces take when each frame brings one at most. */
function takes(pieces: number, sizeBytes: number): number {
  const pace = new Pace();
  let nowMs = 5_000;
  for (let piece = 0; piece < pieces; piece++) nowMs += Math.max(16, pace.after(sizeBytes, nowMs));
  return nowMs - 5_000;
}

describe('the pace of a terminal', () => {
  it('lets a long listing through as fast as it is painted', () => {
    expect(takes(16, 64 << 10)).toBe(16 * 16);
  });

  it('lets a program draw its whole screen many times a second', () => {
    expect(takes(600, 16 << 10)).toBe(600 * 16);
  });

  it('holds a flood to a megabyte a second', () => {
    expect(takes(320, 64 << 10)).toBeGreaterThan(18_000);
    expect(takes(320, 64 << 10)).toBeLessThan(20_500);
  });

  it('is at full speed again when a flood is over', () => {
    const pace = new Pace();
    for (let nowMs = 0; nowMs < 2_000; nowMs += 16) pace.after(64 << 10, nowMs);
    expect(pace.after(1_000, 2_000)).toBeGreaterThan(0);
    expect(pace.after(1_000, 12_000)).toBe(0);
  });
});
