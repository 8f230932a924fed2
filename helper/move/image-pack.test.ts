import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ByteChannel } from '../files/byte-channel';
import { receiveImages, sendImages } from './image-pack';

let from: string;
let to: string;
beforeEach(() => {
  const base = mkdtempSync(join(tmpdir(), 'zap-pack-'));
  [from, to] = [join(base, 'from'), join(base, 'to')];
  for (const path of [from, to]) mkdirSync(path);
});
afterEach(() => rmSync(join(from, '..'), { recursive: true, force: true }));

const limits = { maxEntries: 100, maxBytes: 1 << 24 };
const packed = (list: unknown, ...content: string[]): Buffer => {
  const json = Buffer.from(typeof list === 'string' ? list : JSON.stringify(list));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  return Buffer.concat([length, json, Buffer.from(content.join(''))]);
};
async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

test('images arrive as they were, empty ones and large ones, and only those that are wanted', async () => {
  const contents: Record<string, Buffer> = { 'core-1.img': Buffer.from('core'), 'pages-1.img': Buffer.alloc(9), 'empty.img': Buffer.alloc(0), 'big.img': Buffer.alloc((3 << 20) + 5, 7) };
  for (const [name, content] of Object.entries(contents)) writeFileSync(join(from, name), content);
  const channel = new ByteChannel();
  const received = receiveImages(channel, to, limits);
  expect(await sendImages(from, channel, { isWanted: (name) => !name.startsWith('pages') })).toBe((3 << 20) + 9);
  channel.end();
  await received;
  expect(readdirSync(to).sort()).toEqual(['big.img', 'core-1.img', 'empty.img']);
  for (const name of readdirSync(to)) expect(readFileSync(join(to, name)).equals(contents[name]!)).toBe(true);
});

test('however it is cut', async () => {
  const bytes = packed([['a.img', 3], ['b.img', 0], ['c.img', 4]], 'one', 'four');
  await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: bytes.length }), async (size) => {
    for (const name of readdirSync(to)) rmSync(join(to, name));
    await receiveImages(inPieces(bytes, size), to, limits);
    expect(['a.img', 'b.img', 'c.img'].map((name) => readFileSync(join(to, name), 'utf8'))).toEqual(['one', '', 'four']);
  }));
});

test.each<[string, Buffer, string]>([
  ['a path', packed([['../a', 1]], 'x'), 'checkpoint/broken-images'],
  ['a hidden name', packed([['.a', 1]], 'x'), 'checkpoint/broken-images'],
  ['a name that comes twice', packed([['a', 1], ['a', 1]], 'xy'), 'checkpoint/broken-images'],
  ['less than announced', packed([['a', 5]], 'xy'), 'checkpoint/broken-images'],
  ['more than announced', packed([['a', 1]], 'xy'), 'checkpoint/broken-images'],
  ['a file that never comes', packed([['a', 1], ['b', 1]], 'x'), 'checkpoint/broken-images'],
  ['no list', packed('{nonsense'), 'checkpoint/broken-images'],
  ['a negative size', packed([['a', -1]]), 'checkpoint/broken-images'],
  ['an endless list', Buffer.from([255, 255, 255, 255]), 'checkpoint/broken-images'],
  ['nothing', Buffer.alloc(0), 'checkpoint/broken-images'],
  ['too much', packed([['a', 1 << 25]]), 'checkpoint/too-large'],
  ['too many', packed(Array.from({ length: 101 }, (_, index) => [`a${index}`, 0])), 'checkpoint/too-large'],
])('%s is refused', async (_, bytes, code) => {
  await expect(receiveImages(inPieces(bytes, 7), to, limits)).rejects.toMatchObject({ code });
});

test('what is there already is not written over', async () => {
  writeFileSync(join(to, 'a'), 'old');
  await expect(receiveImages(inPieces(packed([['a', 1]], 'x'), 9), to, limits)).rejects.toThrow('EEXIST');
  expect(readFileSync(join(to, 'a'), 'utf8')).toBe('old');
});
