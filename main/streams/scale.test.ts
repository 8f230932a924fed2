import { describe, expect, it } from 'vitest';
import { scaleDown } from './scale';

const grey = (width: number, height: number, values: number[]): { width: number; height: number; rgb: Buffer } => ({ width, height, rgb: Buffer.from(values.flatMap((value) => [value, value, value])) });

describe('scaleDown', () => {
  it('takes the mean', () => {
    expect(scaleDown(grey(4, 2, [0, 100, 10, 10, 100, 200, 10, 10]), 2, 1)).toEqual(grey(2, 1, [100, 10]));
  });
  it('keeps the shape, and what is small enough', () => {
    expect(scaleDown({ width: 1280, height: 800, rgb: Buffer.alloc(1280 * 800 * 3) }, 320, 320)).toMatchObject({ width: 320, height: 200 });
    expect(scaleDown({ width: 3000, height: 1, rgb: Buffer.alloc(9000) }, 320, 320)).toMatchObject({ width: 320, height: 1 });
    const small = grey(2, 1, [1, 2]);
    expect(scaleDown(small, 320, 200)).toBe(small);
  });
});
