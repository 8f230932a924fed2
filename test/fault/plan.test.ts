import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nextOfSource, nextOfTarget } from '../../helper/move/commit';
import type { Outcome } from './outcome';
import { moments, ofLargePods } from './moments';
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

describe('the moments', () => {
  const helper = join(import.meta.dirname, '../../helper');
  const known = new Set([...Object.values(moments).flatMap((all) => all.map(({ name }) => name)), ...ofLargePods]);
  const texts = readdirSync(helper, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts')).map((path) => ({ path, text: readFileSync(join(helper, path), 'utf8') }));
  const literals = (pattern: RegExp, text: string): string[] => [...text.matchAll(pattern)].map(([, name]) => name!);

  it('are all that helpers pass by name', () => {
    const passed = texts.flatMap(({ text }) => literals(/\breach\('([^']+)'/g, text));
    expect(passed.length).toBeGreaterThan(10);
    expect(passed.filter((name) => !known.has(name))).toEqual([]);
  });

  it('are all steps of all operations, on the side that takes them', () => {
    const scopes: Record<string, string[]> = { 'move/source.ts': ['source'], 'move/handover.ts': ['source'], 'move/target.ts': ['target'], 'checkpoint/freeze.ts': ['source', 'suspend'], 'checkpoint/suspend.ts': ['suspend', 'resume'] };
    const steps = texts.flatMap(({ path, text }) => literals(/\bsteps\.run(?:Anyway)?\('([^']+)'/g, text).map((name) => ({ path, name })));
    expect(steps.length).toBeGreaterThan(25);
    expect(steps.filter(({ path, name }) => (scopes[path] ?? []).some((scope) => known.has(`${scope}: ${name}`)) === false)).toEqual([]);
    for (const { name } of steps.filter(({ path }) => path === 'checkpoint/freeze.ts')) expect([...known]).toEqual(expect.arrayContaining([`source: ${name}`, `suspend: ${name}`]));
  });

  it('are all actions of the commit that one fault alone leads to', () => {
    const wayOfMove = (): string[] => {
      const actions: string[] = [];
      for (const [phase, event] of [['open', { kind: 'ready' }], ['committed', { kind: 'answered', answer: 'running' }], ['open', { kind: 'failed', mayHaveCopy: false, tree: 'frozen' }]] as const) actions.push(...nextOfSource(phase, event).actions.map((action) => `source did: ${action}`));
      const verdict = { kind: 'verdict', tree: 'frozen', canRestore: true, wasRestarted: false } as const;
      for (const [phase, event] of [['open', { kind: 'ready' }], ['restored', { ...verdict, verdict: 'commit' }], ['settled', { kind: 'heard' }], ['restored', { ...verdict, verdict: 'abort' }]] as const) actions.push(...nextOfTarget(phase, event).actions.map((action) => `target did: ${action}`));
      return actions;
    };
    expect(wayOfMove().length).toBeGreaterThan(15);
    expect(wayOfMove().filter((name) => !known.has(name))).toEqual([]);
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
