/**
 * `npm run fault -- --faults N --seed S [--only WORDS] [--json FILE]`: N faults at named moments, and what came of each.
 *
 * The same seed gives the same faults; `--from K` begins with the Kth, and a lab with a `--home` of its own is left up and found again, so that a long run can
 * be done in pieces.
 */
import { appendFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ZapError } from '../../helper/protocol/errors';
import { FaultLab } from './fault-lab';
import { Run, type Outcome } from './fault';
import { plan } from './plan';
import { summary, tableLines } from './table';

const { values } = parseArgs({ options: { faults: { type: 'string', default: '500' }, seed: { type: 'string', default: '1' }, only: { type: 'string' }, json: { type: 'string' }, home: { type: 'string' }, from: { type: 'string', default: '1' } } });
if (process.getuid?.() !== 0) throw new ZapError('lab/needs-root', 'Faults are injected into a lab, which only root may make.');

const seed = Number(values.seed);
const faults = plan(seed, Number(values.faults), values.only);
const outcomes: Outcome[] = [];
let isStopped = false;
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => (isStopped = true));
{
  await using lab = await FaultLab.up(import.meta.dirname, values.home);
  const run = new Run(lab, seed);
  await run.clear();
  for (const fault of faults.slice(Number(values.from) - 1)) {
    if (isStopped) break;
    const outcome = await run.one(fault);
    outcomes.push(outcome);
    const { moment, injection, operation, number } = fault;
    process.stderr.write(`${number}/${faults.length} ${operation}, ${moment.name}: ${injection} → ${outcome.isMissed ? 'MISSED ' : ''}${outcome.ended} (${outcome.said.slice(0, 200)}) ${outcome.seconds.toFixed(1)} s${outcome.problems.map((problem) => `\n    ${problem}`).join('')}\n`);
    if (values.json !== undefined) appendFileSync(values.json, `${JSON.stringify({ seed, ...outcome })}\n`);
  }
  await run.rest();
}
process.stdout.write(`${tableLines(outcomes).join('\n')}\n\n${summary(outcomes)}\n`);
process.exit(outcomes.some(({ problems }) => problems.length > 0) ? 1 : 0);
