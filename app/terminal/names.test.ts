import { expect, it } from 'vitest';
import { nextName } from './names';

it('gives each terminal a name of its own', () => {
  expect(nextName([])).toBe('main');
  expect(nextName(['t2'])).toBe('main');
  expect(nextName(['main', 't3'])).toBe('t2');
  expect(nextName(['main', 't2', 'other'])).toBe('t3');
});
