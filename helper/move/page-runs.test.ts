import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runsToCompare } from './frozen-memory';
import { runsToRead } from './page-sync';

const pages = (runs: Iterable<readonly [number, number]>): number[] => [...runs].flatMap(([first, count]) => Array.from({ length: count }, (_, index) => first + index));
const flags = fc.array(fc.record({ isInDoubt: fc.boolean(), isKnown: fc.boolean() }), { minLength: 1, maxLength: 200 });

function runsOf(isSet: boolean[]): number[] {
  const runs: number[] = [];
  isSet.forEach((set, index) => {
    if (!set) return;
    if (isSet[index - 1]) runs[runs.length - 1]! += 1;
    else runs.push(index, 1);
  });
  return runs;
}

test('a page is read again unless it is known and nothing casts doubt on it', () => {
  fc.assert(fc.property(flags, (all) => {
    const numbers = Int32Array.from(all, ({ isKnown }, index) => (isKnown ? index : -1));
    const wanted = all.flatMap(({ isInDoubt, isKnown }, index) => (isInDoubt || !isKnown ? [index] : []));
    expect(pages(runsToRead(numbers, runsOf(all.map(({ isInDoubt }) => isInDoubt))))).toEqual(wanted);
  }));
});

test('in the freeze as well, however much is asked for at once', () => {
  const askedPages = 1 << 13;
  fc.assert(fc.property(flags, fc.boolean(), (all, isLong) => {
    const shift = isLong ? askedPages - 20 : 0;
    const numbers = Int32Array.from({ length: shift + all.length }, (_, index) => (index < shift || all[index - shift]!.isKnown ? index : -1));
    const vouchedFor = (at: number, count: number): Uint8Array => Uint8Array.from({ length: count }, (_, index) => (at + index < shift || !all[at + index - shift]!.isInDoubt ? 1 : 0));
    const wanted = all.flatMap(({ isInDoubt, isKnown }, index) => (isInDoubt || !isKnown ? [shift + index] : []));
    expect(pages(runsToCompare(numbers, vouchedFor))).toEqual(wanted);
  }), { numRuns: 40 });
});

test('where nobody vouches for anything all is compared', () => {
  expect(pages(runsToCompare(new Int32Array(20_000), () => undefined))).toHaveLength(20_000);
});
