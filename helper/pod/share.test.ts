import { expect, test } from 'vitest';
import { maySee, mayShare, type PodRecord } from './record';
import { arrivingOwner } from './share';

const record = { owner: 'ada', sharedWith: ['bob'] } as unknown as PodRecord;

test.each([
  ['ada', true, true],
  ['bob', true, false],
  ['eve', false, false],
  ['root', true, true],
])('%s sees it: %s, may share it: %s', (user, sees, shares) => {
  expect([maySee({ user }, record), mayShare({ user }, record)]).toEqual([sees, shares]);
});

test('what arrives belongs to whoever let it in; root lets in what is another\'s', () => {
  expect(arrivingOwner('root', { user: 'ada' })).toBe('ada');
  expect(arrivingOwner('ada', { user: 'root' })).toBe('ada');
});
