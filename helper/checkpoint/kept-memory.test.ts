import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { pageBytes } from '../system/live-pages';
import { KeptMemory, newKeptKey } from './kept-memory';
import { contentHashes, KnownContent } from './page-content';
import { PageStore } from './page-store';

const pod = '0123456789abcdef';
const key = newKeptKey();
let directory: string;
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'zap-kept-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function pages(first: number, count: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(count * pageBytes);
  for (let index = 0; index < count; index++) bytes.fill(Buffer.from(`content of page ${first + index};`), index * pageBytes, (index + 1) * pageBytes);
  return bytes;
}

function storeOf(bytes: Buffer, store = new PageStore()): PageStore {
  for (let offset = 0; offset < bytes.length; offset += pageBytes) store.add(bytes, offset);
  return store;
}

function knownOf(hashes: Buffer): KnownContent {
  const known = new KnownContent();
  const cuts = [5, 16, 40]; // as they may come
  [0, ...cuts].forEach((start, index) => known.add(hashes.subarray(start, cuts[index])));
  return known;
}

test('what was kept comes back in its order, for who has the key, and can be read by nobody else', async () => {
  const kept = new KeptMemory(directory);
  const bytes = pages(0, 1500); // several chunks and segments
  expect(await kept.keep(pod, key, storeOf(bytes))).toBe(1500);
  expect(readFileSync(join(directory, pod)).includes('content of page')).toBe(false);
  expect(statSync(join(directory, pod)).mode & 0o777).toBe(0o600);
  const { store, hashes } = (await kept.load(pod, key, 4000))!;
  expect(hashes).toEqual(contentHashes(bytes));
  expect(store.count).toBe(1500);
  for (const number of [0, 255, 256, 1023, 1024, 1499]) expect(store.read(number, 1)).toEqual(bytes.subarray(number * pageBytes, (number + 1) * pageBytes));
  expect(await kept.load(pod, newKeptKey(), 4000)).toBeUndefined();
});

test.each([
  ['a flipped bit', (bytes: Buffer) => void (bytes[bytes.length >> 1]! ^= 1)],
  ['a flipped bit in its last tag', (bytes: Buffer) => void (bytes[bytes.length - 1]! ^= 1)],
  ['another salt', (bytes: Buffer) => void (bytes[0]! ^= 1)],
])('%s is no memory of anybody', async (_what, harm) => {
  const kept = new KeptMemory(directory);
  await kept.keep(pod, key, storeOf(pages(0, 600)));
  const bytes = readFileSync(join(directory, pod));
  harm(bytes);
  writeFileSync(join(directory, pod), bytes);
  expect(await kept.load(pod, key, 4000)).toBeUndefined();
  expect(readdirSync(directory)).toEqual([]);
});

test('whole chunks that are missing at the end, or swapped, are noticed', async () => {
  const kept = new KeptMemory(directory);
  const chunk = (1 << 20) + 16;
  for (const harm of [(bytes: Buffer) => bytes.subarray(0, 32 + chunk), (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 32), bytes.subarray(32 + chunk, 32 + 2 * chunk), bytes.subarray(32, 32 + chunk), bytes.subarray(32 + 2 * chunk)])]) {
    await kept.keep(pod, key, storeOf(pages(0, 600)));
    const bytes = readFileSync(join(directory, pod));
    writeFileSync(join(directory, pod), harm(bytes));
    expect(await kept.load(pod, key, 4000)).toBeUndefined();
  }
});

test('there is a bound for all of them, for which the oldest go; and an end', async () => {
  const kept = new KeptMemory(directory, { maxBytes: 100 * pageBytes, maxAgeMs: 1000 });
  expect(await kept.keep('a', key, storeOf(pages(0, 101)))).toBe(0);
  expect(await kept.keep('a', key, storeOf(pages(0, 40)))).toBe(40);
  expect(await kept.keep('b', key, storeOf(pages(0, 40)))).toBe(40);
  const soon = Date.now() / 1000 - 0.5;
  utimesSync(join(directory, 'a'), soon, soon);
  expect(await kept.keep('c', key, storeOf(pages(0, 40)))).toBe(40);
  expect(readdirSync(directory).sort()).toEqual(['b', 'c']);
  utimesSync(join(directory, 'b'), 1, 1);
  kept.tidy();
  expect(readdirSync(directory)).toEqual(['c']);
});

test('a host that has no room for so many in its memory loads none', async () => {
  const kept = new KeptMemory(directory);
  await kept.keep(pod, key, storeOf(pages(0, 60)));
  expect(await kept.load(pod, key, 100)).toBeUndefined();
  expect(await kept.load(pod, key, 120)).toBeDefined();
});

test('the source numbers what the target has as the target does, and keeps only what it has met itself', () => {
  const known = knownOf(contentHashes(pages(0, 3000)));
  const store = new PageStore(10_000, known);
  expect(store.count).toBe(3000);
  const zeros = Buffer.alloc(pageBytes);
  expect(store.find(zeros, 0)).toBe(-1); // memory that nothing was put into is no content
  expect(store.add(zeros, 0)).toBe(3000);
  const met = pages(100, 5000);
  for (let index = 0; index < 5000; index++) expect(store.add(met, index * pageBytes)).toBe(index < 2900 ? 100 + index : 3001 + index - 2900);
  expect(store.find(met, 7 * pageBytes)).toBe(107);
  expect(store.isSame(107, 1, met, 7 * pageBytes)).toBe(true);
  const { present } = store;
  expect([present.length, present[0], present.at(-1)]).toEqual([5001, 100, 5100]);
});

test('a full store still takes what the other side has', () => {
  const store = new PageStore(2, knownOf(contentHashes(pages(0, 2))));
  expect(store.add(pages(5, 1), 0)).toBe(-1);
  expect(store.add(pages(1, 1), 0)).toBe(1);
});
