import { describe, expect, it } from 'vitest';
import { AbsentPages } from './absent-pages';

const page = 4096;
const entries = [
  { address: 10 * page, pages: 4, isLazy: true },
  { address: 14 * page, pages: 2, isLazy: true },
  { address: 20 * page, pages: 3, isLazy: false },
  { address: 30 * page, pages: 5, isLazy: true },
];
/** What is absent, in pages: [first, end, place in the file]. */
const told = (absent: AbsentPages): number[][] => absent.all.map(({ start, end, offset }) => [start / page, end / page, offset / page]);
const fresh = (): AbsentPages => AbsentPages.of(entries, page);

describe('AbsentPages', () => {
  it('has what CRIU left out, at its place behind what CRIU did not', () => expect(told(fresh())).toEqual([[10, 16, 0], [30, 35, 9]]));

  it('finds the page of an address, and the next one behind it, and begins again behind the last', () => {
    const absent = fresh();
    expect(absent.at(12 * page)).toMatchObject({ start: 10 * page, offset: 0 });
    for (const nowhere of [9, 16, 21, 35]) expect(absent.at(nowhere * page)).toBeUndefined();
    expect(absent.from(12 * page)).toEqual({ start: 12 * page, end: 16 * page, offset: 2 * page });
    expect(absent.from(16 * page)).toEqual({ start: 30 * page, end: 35 * page, offset: 9 * page });
    expect(absent.from(40 * page)).toEqual({ start: 10 * page, end: 16 * page, offset: 0 });
    absent.drop(0, 100 * page);
    expect([absent.isEmpty, absent.from(0)]).toEqual([true, undefined]);
  });

  it.each([
    ['from the front', 8, 12, [[12, 16, 2], [30, 35, 9]]],
    ['from the middle', 12, 13, [[10, 12, 0], [13, 16, 3], [30, 35, 9]]],
    ['from the end', 15, 20, [[10, 15, 0], [30, 35, 9]]],
    ['over several', 13, 31, [[10, 13, 0], [31, 35, 10]]],
    ['where there is nothing', 16, 30, [[10, 16, 0], [30, 35, 9]]],
  ])('drops %s', (_, start, end, left) => {
    const absent = fresh();
    absent.drop(start * page, end * page);
    expect(told(absent)).toEqual(left);
  });

  it('moves with a mapping, and what was at the new place is gone', () => {
    const absent = fresh();
    absent.move(12 * page, 32 * page, 3 * page);
    expect(told(absent)).toEqual([[10, 12, 0], [15, 16, 5], [30, 32, 9], [32, 35, 2]]);
    absent.move(15 * page, 100 * page, page);
    expect(told(absent)).toEqual([[10, 12, 0], [30, 32, 9], [32, 35, 2], [100, 101, 5]]);
  });

  it('keeps what was moved to a place whose older mapping is told only now to be gone', () => {
    const absent = fresh();
    absent.move(10 * page, 30 * page, 2 * page);
    absent.unmap(30 * page, 35 * page);
    expect(told(absent)).toEqual([[12, 16, 2], [30, 32, 0]]);
  });

  it('is a child\'s own after a fork', () => {
    const absent = fresh();
    const copy = absent.copy();
    copy.drop(0, 100 * page);
    expect(told(absent)).toEqual([[10, 16, 0], [30, 35, 9]]);
  });

  it('agrees with a map of single pages, whatever happens', () => {
    const absent = fresh();
    const model = new Map<number, number>(entries.flatMap(({ address, pages, isLazy }, index) => {
      const before = entries.slice(0, index).reduce((sum, entry) => sum + entry.pages, 0);
      return isLazy ? Array.from({ length: pages }, (_, at): [number, number] => [address / page + at, before + at]) : [];
    }));
    let seed = 1;
    const random = (below: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % below;
    for (let round = 0; round < 3000 && model.size > 0; round++) {
      const [start, size, to] = [random(60), 1 + random(4), random(60)];
      if (round % 7 === 0) {
        absent.drop(start * page, (start + 1) * page);
        model.delete(start);
      } else if (Math.abs(to - start) >= size) {
        absent.move(start * page, to * page, size * page);
        const moved = Array.from({ length: size }, (_, at) => model.get(start + at));
        for (let at = 0; at < size; at++) {
          model.delete(start + at);
          model.delete(to + at);
        }
        moved.forEach((place, at) => void (place !== undefined && model.set(to + at, place)));
      }
      const seen = absent.all.flatMap(({ start: first, end, offset }) => Array.from({ length: (end - first) / page }, (_, at): [number, number] => [first / page + at, offset / page + at]));
      expect(seen).toEqual([...model].sort(([a], [b]) => a - b));
    }
  });
});
