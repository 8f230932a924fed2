import { expect, test } from 'vitest';
import { figure, median } from './figures';

test('the median of an odd and an even number of values', () => {
  expect(median([300, 100, 200])).toBe(200);
  expect(median([400, 100, 300, 200])).toBe(250);
});

test('a line has the peer only when one ran', () => {
  expect(figure('move', 'ms', [1.04, 3, 2])).toEqual({ metric: 'move', unit: 'ms', n: 3, median: 2, min: 1, max: 3 });
  expect(figure('move', 'ms', [100, 200], { name: 'by hand', values: [] })).not.toHaveProperty('peer');
  expect(figure('move', 'ms', [100, 200], { name: 'by hand', values: [600] })).toMatchObject({ peer: 'by hand', peerMedian: 600, ratio: 0.25 });
});

test('no values are no figure', () => {
  expect(() => figure('move', 'ms', [])).toThrow('move: nothing was measured');
});
