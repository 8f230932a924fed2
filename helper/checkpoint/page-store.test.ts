import { expect, test } from 'vitest';
import { pageBytes } from '../system/live-pages';
import { hashPage, PageStore } from './page-store';

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

test('of pages that share a hash a few are found again, and all are kept', () => {
  const store = new PageStore();
  // What CRC-32 divides by, in the order of its bits: it changes no remainder, wherever it is added.
  const divisor = Buffer.from([0x41, 0x06, 0x71, 0xdb, 0x01]);
  const alike = (number: number): Buffer => {
    const page = Buffer.allocUnsafeSlow(pageBytes).fill(0);
    for (let bit = 0; bit < 13; bit++) if (number & (1 << bit)) divisor.copy(page, bit * 8);
    return page;
  };
  expect(hashPage(alike(1), 0)).toBe(hashPage(alike(4999), 0));
  const numbers = Array.from({ length: 5000 }, (_, number) => store.add(alike(number), 0));
  expect(numbers).toEqual(Array.from({ length: 5000 }, (_, number) => number));
  const found = Array.from({ length: 5000 }, (_, number) => store.find(alike(number), 0)).filter((number) => number >= 0);
  expect(found).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(store.read(4999, 1).equals(alike(4999))).toBe(true);
});

test('guessed numbers are put right', () => {
  const store = new PageStore();
  const before = pages([1, 2, 3, 4]);
  const numbers = new Int32Array(4).fill(-1);
  store.renumber(numbers, before);
  expect([...numbers]).toEqual([0, 1, 2, 3]);
  store.renumber(numbers, pages([1, 2, 5, 4]));
  expect([...numbers]).toEqual([0, 1, 4, 3]);
  const wrong = Int32Array.from([3, -1, 0, 4]);
  store.renumber(wrong, before);
  expect([...wrong]).toEqual([0, 1, 2, 3]);
  expect(store.count).toBe(5);
});
