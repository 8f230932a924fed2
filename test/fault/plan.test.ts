import { describe, expect, it } from 'vitest';
import type { Outcome } from './outcome';
import { moments } from './moments';
import { injections, plan } from './plan';
import { summary, tableLines } from './table';

const many = plan(1, { count: 500 });

describe('the plan of faults', () => {
  it('is the same for the same seed, however many are asked for', () => {
    expect(plan(1, { count: 20 })).toEqual(many.slice(0, 20));
    expect(plan(2, { count: 20 })).not.toEqual(many.slice(0, 20));
  });

  it('has every kind of fault, and strikes every operation', () => {
    expect(new Set(many.map(({ injection }) => injection))).toEqual(new Set(injections));
    expect(new Set(many.map(({ operation }) => operation))).toEqual(new Set(Object.keys(moments)));
  });

  it('takes only what is asked for', () => {
    const only = plan(1, { count: 5, only: 'journal source committed EIO' });
    expect(only).toHaveLength(5);
    expect(only.every(({ moment, injection }) => moment.name === 'journal source committed' && injection === 'EIO')).toBe(true);
  });
});

describe('the tables', () => {
  const outcome = (number: number, more: Partial<Outcome> = {}): Outcome => ({ fault: many[number]!, ending: 'done', ended: '', said: '', problems: [], isMissed: false, seconds: 1, ...more });

  it('count what was injected, and what came of it', () => {
    expect(summary([outcome(0), outcome(1, { problems: ['LOST: it is nowhere', 'LEFT on alpha: a link'] }), outcome(2, { isMissed: true }), outcome(3, { problems: ['RETRY: it fails'] })])).toMatch(
      /^3 injected at \d moments, 1 lost, 0 doubled, 1 leftovers, 1 other problems; 1 moments that did not come$/,
    );
  });

  it('mark a kind of fault that did not go well', () => {
    const lines = tableLines([outcome(0, { problems: ['DOUBLED: it ran on alpha and beta'] })]);
    expect(lines.find((line) => line.startsWith(`| ${many[0]!.injection} |`))).toContain('**1/1**');
    expect(lines.at(-1)).toBe('| all | 1 | 1 |  |  |  | 0 | 1 | 0 | 0 |');
  });
});
