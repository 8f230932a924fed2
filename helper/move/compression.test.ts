import { randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { Compression, type Codec } from './compression';

const deflate: Codec = { pack: (raw) => deflateRawSync(raw, { level: 1 }), unpack: (packed, rawBytes) => inflateRawSync(packed, { maxOutputLength: rawBytes }) };
const text = Buffer.alloc(256 << 10, 'all work and no play ');

/** What a link of so many bytes a millisecond takes, with packing at `packRate`. Returns how many bytes went out for `megabytes` of text. */
function send(compression: Compression, linkRate: number, packRate: number, megabytes: number): number {
  let sent = 0;
  for (let count = 0; count < megabytes * 4; count++) {
    const packed = compression.pack(text);
    const bytes = (packed ?? text).length;
    compression.took(text.length, bytes / linkRate + (packed ? text.length / packRate : 0));
    sent += bytes;
  }
  return sent;
}

test('a fast link gets the bytes as they are, and is not tried with less', () => {
  expect(send(new Compression(deflate), 1_000_000, 300_000, 32)).toBe(32 << 20);
});

test('a slow link gets packed bytes', () => {
  expect(send(new Compression(deflate), 12_000, 300_000, 32)).toBeLessThan(3 << 20);
});

test('a link that becomes slow is noticed', () => {
  const compression = new Compression(deflate);
  send(compression, 1_000_000, 300_000, 16);
  expect(send(compression, 12_000, 300_000, 128)).toBeLessThan(72 << 20);
});

test('while a POD stands still nothing is tried', () => {
  const compression = new Compression(deflate);
  send(compression, 12_000, 300_000, 2); // the next one would be tried packed
  compression.settle();
  expect(send(compression, 12_000, 300_000, 8)).toBe(8 << 20);
});

test('a POD that stands still waits for packing where the link is slow only', () => {
  for (const [rate, isPacked] of [[80_000, false], [12_000, true]] as const) {
    const compression = new Compression(deflate);
    send(compression, rate, 300_000, 8);
    expect(compression.pack(text)).toBeDefined();
    compression.settle();
    expect(compression.pack(text) !== undefined).toBe(isPacked);
  }
});

test('what does not get smaller goes as it is, and so does what is small', () => {
  const compression = new Compression(deflate);
  send(compression, 12_000, 300_000, 4);
  expect(compression.pack(text)).toBeDefined();
  expect(compression.pack(randomBytes(256 << 10))).toBeUndefined();
  expect(compression.pack(text.subarray(0, 1000))).toBeUndefined();
});

test('more or fewer bytes than were announced are refused', () => {
  const compression = new Compression(deflate);
  const packed = deflate.pack(text);
  expect(compression.unpack(packed, text.length).equals(text)).toBe(true);
  expect(() => compression.unpack(packed, text.length - 1)).toThrow();
  expect(() => compression.unpack(packed, text.length + 1)).toThrow(/was said to be/);
  expect(() => compression.unpack(text, text.length)).toThrow();
});
