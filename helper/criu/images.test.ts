import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { imageMagic, listImages, readImage, rewriteForClone, writeImage } from './images';
import { decode, encode } from './messages';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'zap-images-test-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const put = (name: string, kind: number, entry: Uint8Array) => writeFileSync(join(directory, name), writeImage({ family: imageMagic.common, kind, entries: [entry] }));
const entryOf = (name: string) => readImage(readFileSync(join(directory, name))).entries[0]!;

test('what is written is read back', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (entries) => {
      const image = readImage(writeImage({ family: imageMagic.common, kind: imageMagic.utsns, entries }));
      expect(image.entries.map((entry) => [...entry])).toEqual(entries.map((entry) => [...entry]));
    }),
  );
});

test('a file cut off anywhere is refused, not half read', () => {
  const whole = writeImage({ family: imageMagic.common, kind: imageMagic.utsns, entries: [Buffer.from('abcdef')] });
  for (let length = 0; length < whole.length; length++) {
    if (length === 8) continue; // an image without entries
    expect(() => readImage(whole.subarray(0, length))).toThrow(expect.objectContaining({ code: 'criu/image-unreadable' }));
  }
  expect(() => readImage(Buffer.from('not an image at all'))).toThrow(/not a CRIU image/);
});

test('a clone gets its own host ids and host name; gaps and sizes stay', () => {
  put('userns-14.img', imageMagic.userns, encode('UserNamespace', {
    uidMap: [{ first: 0, lowerFirst: 100000, count: 1000 }, { first: 1000, lowerFirst: 101500, count: 1 }],
    gidMap: [{ first: 0, lowerFirst: 100000, count: 65536 }],
  }));
  put('utsns-12.img', imageMagic.utsns, encode('UtsNamespace', { nodeName: 'desk', domainName: '(none)' }));
  rewriteForClone(directory, { hostIdBase: 700000, hostName: 'desk-2' });
  expect(decode('UserNamespace', entryOf('userns-14.img'))).toEqual({
    uidMap: [{ first: 0, lowerFirst: 700000, count: 1000 }, { first: 1000, lowerFirst: 701500, count: 1 }],
    gidMap: [{ first: 0, lowerFirst: 700000, count: 65536 }],
  });
  expect(decode('UtsNamespace', entryOf('utsns-12.img'))).toEqual({ nodeName: 'desk-2', domainName: '(none)' });
  expect(readdirSync(directory).sort()).toEqual(['userns-14.img', 'utsns-12.img']);
});

test('a checkpoint without that namespace cannot become a clone', () => {
  expect(() => rewriteForClone(directory, { hostName: 'x' })).toThrow(expect.objectContaining({ code: 'criu/image-missing' }));
});

test('lists files with their sizes', () => {
  writeFileSync(join(directory, 'pages-1.img'), Buffer.alloc(4096));
  writeFileSync(join(directory, 'core-1.img'), Buffer.alloc(100));
  expect(listImages(directory)).toEqual({ files: [{ name: 'core-1.img', sizeBytes: 100 }, { name: 'pages-1.img', sizeBytes: 4096 }], totalBytes: 4196 });
});

test('inode numbers keep all 64 bits', () => {
  const entry = { device: 0x30, inode: '13835058055282163713', path: '/etc' };
  expect(decode('IrmapEntry', encode('IrmapEntry', entry))).toEqual(entry);
});
