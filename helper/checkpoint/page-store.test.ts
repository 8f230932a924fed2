import { expect, test } from 'vitest';
import { pageBytes } from '../system/live-pages';
import { PageStore } from './page-store';

function pages(numbers: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafeSlow(numbers.length * pageBytes);
  numbers.forEach((number, index) => bytes.fill(Buffer.from(`page ${number};`), index * pageBytes, (index + 1) * pageBytes));
  return bytes;
}

test('the store keeps each content once, and no more than it may', () => {
  const store = new PageStore(2);
  const bytes = pages([1, 1, 2, 3]);
  expect([0, 1, 2, 3].map((index) => store.add(bytes, index * pageBytes))).toEqual([0, 0, 1, -1]);
  expect(store.find(bytes, 2 * pageBytes)).toBe(1);
  expect(store.find(bytes, 3 * pageBytes)).toBe(-1);
});

test('thousands of pages are found again, each by its own content', () => {
  const store = new PageStore();
  const numbers = Array.from({ length: 9000 }, (_, index) => index);
  const bytes = pages(numbers);
  for (const number of numbers) expect(store.add(bytes, number * pageBytes)).toBe(number);
  for (const number of numbers) expect(store.find(bytes, number * pageBytes)).toBe(number);
  expect(store.read(1020, 10).length).toBe(4 * pageBytes); // to the end of what lies together
  expect(store.read(1020, 10).equals(bytes.subarray(1020 * pageBytes, 1024 * pageBytes))).toBe(true);
});

test('pages that differ in one bit are different pages', () => {
  const store = new PageStore();
  const page = pages([7]);
  store.add(page, 0);
  for (const at of [0, 1, 2047, 4095]) {
    const other = Buffer.from(page);
    other[at]! ^= 1;
    const aligned = Buffer.allocUnsafeSlow(pageBytes);
    other.copy(aligned);
    expect(store.find(aligned, 0)).toBe(-1);
  }
});
