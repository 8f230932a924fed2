/**
 * A slice of `npm run fault`: the edges of the commit on either side, and one fault of each kind that the rest of the tests does not make.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureBuilt } from '../integration/support/build';
import { ensureEnvironment } from '../integration/support/environment';
import { environmentName } from '../integration/support/suite';
import { Zap } from '../integration/support/zap';
import { Run } from './fault';
import { FaultLab } from './fault-lab';
import { moments, type Operation } from './moments';
import type { Injection } from './plan';
import { summary } from './table';

const seed = 1;
const dist = join(import.meta.dirname, '../../dist');
const slice: [Operation, string, Injection][] = [
  ['move', 'source: frozen', 'kill helper'],
  ['move', 'target did: journal restored', 'power off'],
  ['move', 'journal source committed', 'EIO'],
  ['move', 'source did: journal committed', 'kill helper'],
  ['move', 'source did: say commit', 'cut both'],
  ['move', 'target did: journal resuming', 'power off'],
  ['move', 'target did: let run', 'kill helper'],
  ['move', 'target did: journal settled', 'cut between hosts'],
  ['move', 'target did: say running', 'kill helper'],
  ['move', 'source did: journal done', 'kill helper'],
  ['move', 'source did: forget', 'kill helper'],
  ['move', 'journal source done', 'power off'],
  ['move', 'source: dumped', 'kill desktop'],
  ['move', 'source: send last files', 'kill init'],
  ['move', 'target: receive last files', 'disk full'],
  ['move', 'source: dumped', 'two desktops'],
  ['move', 'source: offer', 'same name'],
  ['move-undone', 'source did: release', 'kill helper'],
  ['move-undone', 'target did: remove', 'cut between hosts'],
  ['move-stored', 'target did: say restored', 'stop helper'],
  ['resume-elsewhere', 'source: verify and decrypt', 'kill helper'],
  ['suspend', 'suspend: written', 'kill helper'],
  ['suspend', 'suspend: clean up', 'kill helper'],
  ['resume', 'resume: written', 'power off'],
];

describe.skipIf(process.getuid?.() !== 0 && !process.env.CI)('no fault loses or doubles a POD, or leaves anything of it', () => {
  let home: string;
  let lab: FaultLab;
  let run: Run;

  beforeAll(async () => {
    await ensureBuilt();
    home = await mkdtemp(join(tmpdir(), 'zap-fault-'));
    await ensureEnvironment(new Zap(home), environmentName, join(import.meta.dirname, '../integration/support/environment'));
    lab = await FaultLab.up(dist, { environment: environmentName });
    run = new Run(lab, seed);
  });

  afterAll(async () => {
    await run?.rest();
    await lab?.[Symbol.asyncDispose]();
    await rm(home, { recursive: true, force: true });
  });

  test.each(slice.map(([operation, name, injection], index) => ({ number: index + 1, operation, name, injection })))('$operation, $name: $injection', async ({ number, operation, name, injection }) => {
    const moment = moments[operation].find((candidate) => candidate.name === name)!;
    const outcome = await run.one({ number, operation, moment, injection });
    expect(outcome).toMatchObject({ problems: [], isMissed: false });
    expect(summary([outcome])).toMatch(/^1 injected at 1 moments, 0 lost, 0 doubled, 0 leftovers, 0 other problems/);
  });
});
