import { expect, test } from 'vitest';
import { PageStore } from '../checkpoint/page-store';
import { pageBytes } from '../system/live-pages';
import { receivePages } from './page-sync';

async function* pieces(...sizes: number[]): AsyncGenerator<Buffer> {
  for (const [index, size] of sizes.entries()) yield Buffer.alloc(size, index + 1);
}

test('pages are kept by the order in which they come, however they are cut up', async () => {
  const store = new PageStore(3);
  await receivePages(pieces(pageBytes - 1, pageBytes, 1), store);
  expect(store.count).toBe(2);
  expect(store.read(1, 1)[0]).toBe(2);
});

test('a sender that sends more memory ahead than was agreed is refused', async () => {
  const store = new PageStore(2);
  await expect(receivePages(pieces(pageBytes, pageBytes, pageBytes), store)).rejects.toMatchObject({ code: 'move/too-many-pages' });
  expect(store.count).toBe(2);
});
