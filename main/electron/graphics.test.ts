import { expect, it } from 'vitest';
import { useWhatCanDraw } from './graphics';

it.each([
  ['a card is left to Chromium', '/dev/dri', 0],
  ['none is not looked for again', '/dev/null', 1],
])('%s', (_what, there, times) => {
  let disabled = 0;
  useWhatCanDraw({ disableHardwareAcceleration: () => void disabled++ }, (path) => path === there);
  expect(disabled).toBe(times);
});
