import { describe, expect, it } from 'vitest';
import { imageMagic, writeImage } from './images';
import { parsePagemap, withAllPresent } from './pagemap';

const LAZY = 2;
const PRESENT = 4;

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
}

function pagemap(...entries: [address: number, pages: number, flags: number][]): Buffer {
  const head = Buffer.from([8, 5]);
  return writeImage({ family: imageMagic.common, kind: 0x56084025, entries: [head, ...entries.map(([address, pages, flags]) => Buffer.from([8, ...varint(address), 16, ...varint(pages), 32, ...varint(flags)]))] });
}

describe('pagemaps', () => {
  it('say where pages are, and which may be left out', () =>
    expect(parsePagemap(pagemap([0x7f0000001000, 300, PRESENT], [0x7f0000900000, 2, LAZY]))).toEqual({
      pagesId: 5,
      entries: [{ address: 0x7f0000001000, pages: 300, isLazy: false }, { address: 0x7f0000900000, pages: 2, isLazy: true }],
    }));

  it('have all pages present when they were put into the file; many of them may still be left out', () =>
    expect(withAllPresent(pagemap([0x1000, 1, PRESENT], [0x10000, 4000, LAZY], [0x2000000, 96, LAZY]))).toEqual(pagemap([0x1000, 1, PRESENT], [0x10000, 4000, LAZY | PRESENT], [0x2000000, 96, LAZY | PRESENT])));

  it('leave out nothing where there is little', () =>
    expect(withAllPresent(pagemap([0x10000, 4000, LAZY], [0x2000000, 95, LAZY]))).toEqual(pagemap([0x10000, 4000, PRESENT], [0x2000000, 95, PRESENT])));
});
