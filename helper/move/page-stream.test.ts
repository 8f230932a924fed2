import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PageStore } from '../checkpoint/page-store';
import { ByteChannel } from '../files/byte-channel';
import { pageBytes } from '../system/live-pages';
import { isPagesFile, PageSender, receivePageFiles } from './page-stream';

let base: string;
let from: string;
let to: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'zap-pages-'));
  [from, to] = [join(base, 'from'), join(base, 'to')];
  for (const path of [from, to]) mkdirSync(path);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

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

async function send(known: readonly number[], dump: () => Promise<void>): Promise<{ literalPages: number; sentBytes: number }> {
  const { source, target } = storesOf(known);
  const channel = new ByteChannel();
  let sentBytes = 0;
  const received = receivePageFiles(channel, to, target, { maxBytes: 1 << 30 });
  const sender = new PageSender(from, { write: (chunk) => ((sentBytes += chunk.length), channel.write(chunk)) }, source);
  sender.start();
  await dump();
  const { literalPages } = await sender.finish();
  channel.end();
  await received;
  for (const name of readdirSync(from).filter(isPagesFile)) expect(readFileSync(join(to, name)).equals(readFileSync(join(from, name))), name).toBe(true);
  return { literalPages, sentBytes };
}

test('whatever is known and whatever has changed, the files come out the same', async () => {
  const number = fc.nat(60);
  await fc.assert(fc.asyncProperty(fc.array(number, { maxLength: 80 }), fc.array(fc.array(number, { minLength: 1, maxLength: 300 }), { maxLength: 3 }), async (known, files) => {
    for (const directory of [from, to]) for (const name of readdirSync(directory)) rmSync(join(directory, name));
    const { literalPages } = await send(known, async () => files.forEach((file, index) => writeFileSync(join(from, `pages-${index + 1}.img`), pages(file))));
    expect(literalPages).toBe(files.flat().filter((page) => !known.includes(page)).length);
  }), { numRuns: 40 });
});

test('files that grow while they are read, half a page at a time', async () => {
  const content = pages(Array.from({ length: 40 }, (_, index) => index));
  await send([3, 4, 5, 6, 20], async () => {
    for (const name of ['pages-1.img', 'pages-2.img']) {
      for (let offset = 0; offset < content.length; offset += 10_000) {
        appendFileSync(join(from, name), content.subarray(offset, offset + 10_000));
        await sleep(1);
      }
    }
  });
});

test('known pages cost next to nothing', async () => {
  const numbers = Array.from({ length: 3000 }, (_, index) => index);
  const { sentBytes } = await send(numbers, async () => writeFileSync(join(from, 'pages-1.img'), pages(numbers)));
  expect(sentBytes).toBeLessThan(3000);
});

test('what is no record, or speaks of pages that are not there, is refused', async () => {
  const { target } = storesOf([1, 2]);
  const record = (...values: number[]): Buffer => Buffer.from(new Uint32Array(values).buffer);
  for (const bad of [record(1, 3, 0), record(1, 1, 2), record(1, 0, 0), record(1, 0x80000001), record(1, 1), record(1, 0xffffffff), record(0xffffffff, 1, 0), Buffer.alloc(3)]) {
    for (const name of readdirSync(to)) rmSync(join(to, name));
    await expect(receivePageFiles((async function* () { yield bad; })(), to, target, { maxBytes: 1 << 20 })).rejects.toMatchObject({ code: 'checkpoint/broken-pages' });
  }
  await expect(receivePageFiles((async function* () { yield record(2, 2, 0); })(), to, target, { maxBytes: pageBytes })).rejects.toMatchObject({ code: 'checkpoint/too-large' });
});
