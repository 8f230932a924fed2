/** A slice of `npm run fault`: each promise of the protocol once, at the moment at which it is hardest to keep. */
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureBuilt } from '../integration/support/build';
import { program } from '../integration/support/zap';
import { Run } from './fault';
import { FaultLab } from './fault-lab';
import { moments, type Operation } from './moments';
import { plan, type Injection } from './plan';

const slice: [Operation, string, Injection, RegExp][] = [
  ['move', 'source did: journal committed', 'kill helper', /^running on (beta|gamma)$/],
  ['move', 'target did: let run', 'kill helper', /^running/],
  ['move', 'target did: say restored', 'kill desktop', /^running/],
  ['move', 'source: restore', 'power off', /^running/],
  ['move', 'source did: say commit', 'power off', /^running/],
  ['move', 'target did: journal resuming', 'power off', /^(running|in doubt)/],
  ['move', 'journal source committed', 'EIO', /^running/],
  ['move', 'source: restore', 'kill init', /^running/],
  ['move', 'source: offer', 'two desktops', /^running/],
  ['move-stored', 'target did: journal restored', 'kill helper', /^suspended/],
  ['suspend', 'suspend: written', 'kill helper', /^running|suspended/],
  ['resume', 'resume: written', 'power off', /^suspended/],
  ['clone', 'target did: say restored', 'kill helper', /^running/],
  ['delete', 'destroy: files', 'kill helper', /^nowhere|exited/],
];

test('the same seed gives the same faults, and each comes where it can', () => {
  expect(plan(7, 200)).toEqual(plan(7, 200));
  expect(plan(8, 200)).not.toEqual(plan(7, 200));
  expect(plan(1, 30, 'source: dumped').every(({ moment }) => moment.name === 'source: dumped')).toBe(true);
  for (const { operation, moment } of plan(1, 500)) expect(moments[operation]).toContain(moment);
});

const isRoot = process.getuid?.() === 0;
if (!isRoot && !process.env['CI']) console.warn('\n*** SKIPPED: faults: a lab needs root. Nothing about them was tested. ***\n');

describe.skipIf(!isRoot && !process.env['CI'])('after a fault there is one live POD or one checkpoint, nothing is left over, and a retry succeeds', () => {
  let lab: FaultLab;
  let run: Run;

  beforeAll(async () => {
    await ensureBuilt();
    lab = await FaultLab.up(dirname(program));
    run = new Run(lab, 1);
  }, 900_000);
  afterAll(() => lab?.[Symbol.asyncDispose](), 60_000);

  test.each(slice.map((fault) => [fault.slice(0, 3).join(', '), ...fault] as const))('%s', async (_what, operation, name, injection, ended) => {
    const moment = moments[operation].find((one) => one.name === name)!;
    const outcome = await run.one({ number: slice.findIndex((one) => one[0] === operation && one[1] === name && one[2] === injection), operation, moment, injection });
    expect({ problems: outcome.problems, isMissed: outcome.isMissed }, outcome.said).toEqual({ problems: [], isMissed: false });
    expect(outcome.ended).toMatch(ended);
  }, 120_000);
});
