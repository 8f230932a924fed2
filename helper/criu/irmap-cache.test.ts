import type { BigIntStats } from 'node:fs';
import { expect, test } from 'vitest';
import { kernelDevice, parseWatches, watchOf } from './irmap-cache';

test('reads the watches of fdinfo', () => {
  const fdinfo = [
    'pos:\t0', 'flags:\t02004000', 'mnt_id:\t16', 'ino:\t1057',
    'inotify wd:2 ino:9e7e sdev:800013 mask:800afce ignored_mask:0 fhandle-bytes:8 fhandle-type:1 f_handle:7e9e0000640d1b6d',
    'inotify wd:1 ino:c00000000000a111 sdev:3a mask:800afce ignored_mask:0 fhandle-bytes:8 fhandle-type:1 f_handle:11a1000020542153',
    'fanotify ino:4f969 sdev:800013 mflags:0 mask:3b ignored_mask:40000000 fhandle-bytes:8 fhandle-type:1 f_handle:69f90400c275b5b4',
    'fanotify mnt_id:12 mflags:40 mask:38 ignored_mask:40000003',
  ].join('\n');
  expect(parseWatches(fdinfo)).toEqual([
    { inode: 0x9e7en, device: 0x800013 },
    { inode: 0xc00000000000a111n, device: 0x3a },
    { inode: 0x4f969n, device: 0x800013 },
  ]);
});

test.each([
  ['an overlay, 0:58', 0x3an, 58],
  ['a disk, 254:0', 0xfe00n, 254 * 2 ** 20],
  ['a minor beyond 255, 0:300', (300n & 0xffn) | ((300n & ~0xffn) << 12n), 300],
  ['a major beyond 4095, 5000:1', ((5000n & 0xfffn) << 8n) | ((5000n & ~0xfffn) << 32n) | 1n, 5000 * 2 ** 20 + 1],
])('device numbers: %s', (_, statDevice, expected) => {
  expect(kernelDevice(statDevice)).toBe(expected);
});

test('an inode number of an overlay with xino, which Node gives as negative', () => {
  expect(watchOf({ dev: 0x28n, ino: -9223372036854775069n } as BigIntStats)).toEqual({ device: 0x28, inode: 0x80000000000002e3n });
});
