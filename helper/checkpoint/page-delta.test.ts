import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pageBytes } from '../system/live-pages';
import { applyDelta, writeDelta } from './page-delta';
import { PageStore } from './page-store';

let base: string;
beforeAll(() => void (base = mkdtempSync(join(tmpdir(), 'zap-delta-'))));
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** A page whose content is its number, so that equal numbers are equal pages. */
function pages(numbers: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafeSlow(numbers.length * pageBytes);
  numbers.forEach((number, index) => bytes.fill(Buffer.from(`page ${number};`), index * pageBytes, (index + 1) * pageBytes));
  return bytes;
}

function storesOf(numbers: readonly number[]): { source: PageStore; target: PageStore } {
  const [source, target] = [new PageStore(), new PageStore()];
  const bytes = pages(numbers);
  for (let offset = 0; offset < bytes.length; offset += pageBytes) if (source.addIfNew(bytes, offset)) target.append(bytes, offset);
  return { source, target };
}

function roundTrip(known: readonly number[], file: readonly number[]): { same: boolean; deltaBytes: number; literalPages: number } {
  const paths = ['pages', 'delta', 'again'].map((name) => join(base, name)) as [string, string, string];
  for (const path of paths) rmSync(path, { force: true });
  const { source, target } = storesOf(known);
  const bytes = pages(file);
  writeFileSync(paths[0], bytes);
  const { literalPages } = writeDelta(paths[0], paths[1], source);
  applyDelta(paths[1], paths[2], target);
  return { same: readFileSync(paths[2]).equals(bytes), deltaBytes: statSync(paths[1]).size, literalPages };
}

test('whatever is known and whatever has changed, the file comes out the same', () => {
  const number = fc.nat(60);
  fc.assert(fc.property(fc.array(number, { maxLength: 80 }), fc.array(number, { maxLength: 700 }), (known, file) => {
    const { same, literalPages } = roundTrip(known, file);
    expect(same).toBe(true);
    expect(literalPages).toBe(file.filter((page) => !known.includes(page)).length);
  }), { numRuns: 60 });
});

test('known pages cost next to nothing', () => {
  const numbers = Array.from({ length: 3000 }, (_, index) => index);
  expect(roundTrip(numbers, numbers).deltaBytes).toBe(4 + 8);
  expect(roundTrip(numbers, [...numbers, 5000]).deltaBytes).toBe(4 + 8 + 4 + pageBytes);
});

test('the store keeps each content once, and no more than it may', () => {
  const store = new PageStore(2);
  const bytes = pages([1, 1, 2, 3]);
  expect([0, 1, 2, 3].map((index) => store.addIfNew(bytes, index * pageBytes))).toEqual([true, false, true, false]);
  expect(store.find(bytes, 2 * pageBytes)).toBe(1);
  expect(store.find(bytes, 3 * pageBytes)).toBe(-1);
});

test('a delta that speaks of pages that are not there is refused', () => {
  const [delta, out] = [join(base, 'bad'), join(base, 'out')];
  const { target } = storesOf([1, 2]);
  const record = (...words: number[]): Buffer => Buffer.from(new Uint32Array(words).buffer);
  for (const bad of [record(0), record(0x314c445a, 3, 0), record(0x314c445a, 1, 2), record(0x314c445a, 0, 0), record(0x314c445a, 0x80000001), record(0x314c445a, 1), record(0x314c445a, 0xffffffff)]) {
    rmSync(out, { force: true });
    writeFileSync(delta, bad);
    expect(() => applyDelta(delta, out, target)).toThrow(/does not fit/);
  }
});
