/**
 * `npm run fault -- --faults N --seed S [--lanes L] [--only WORDS] [--pick 17,203] [--from K] [--home DIRECTORY] [--json FILE]`: N faults at named moments, and
 * what came of each.
 *
 * The same seed gives the same faults. `--from K` begins with the Kth, `--pick` does these alone. Labs in a `--home` are left up and found again, so that a long run
 * can be done in pieces.
 */
import { appendFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ZapError } from '../../helper/protocol/errors';
import { runLanes } from './lanes';
import type { Outcome } from './outcome';
import { plan } from './plan';
import { summary, tableLines } from './table';

const { values } = parseArgs({
  options: {
    faults: { type: 'string', default: '500' }, seed: { type: 'string', default: '1' }, lanes: { type: 'string', default: '1' }, only: { type: 'string' }, pick: { type: 'string' },
    from: { type: 'string', default: '1' }, home: { type: 'string' }, json: { type: 'string' },
  },
});
if (process.getuid?.() !== 0) throw new ZapError('lab/needs-root', 'Faults are injected into a lab, which only root may make.');

const seed = Number(values.seed);
const picked = values.pick?.split(',').map(Number);
const wanted = Number(values.faults);
const all = plan(seed, { count: 2 * wanted, only: values.only }); // some moments do not come
const faults = all.filter(({ number }) => number >= Number(values.from) && (picked?.includes(number) ?? true));
const outcomes: Outcome[] = [];
let isStopped = false;
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => (isStopped = true));
// Of what was given up: a fault that hung, a desktop that was cut off.
process.on('unhandledRejection', (error) => process.stderr.write(`    nobody waited for: ${ZapError.from(error).message}\n`));

const left = await runLanes(faults, {
  seed,
  injected: wanted,
  lanes: Number(values.lanes),
  distDirectory: import.meta.dirname,
  home: values.home,
  isStopped: () => isStopped,
  onOutcome: (outcome) => {
    outcomes.push(outcome);
    const { fault: { number, operation, moment, injection }, isMissed, ended, said, seconds, problems } = outcome;
    process.stderr.write(`${outcomes.length}/${wanted} #${number} ${operation}, ${moment.name}: ${injection} → ${isMissed ? 'MISSED ' : ''}${ended} (${said.slice(0, 200)}) ${seconds.toFixed(1)} s${problems.map((problem) => `\n    ${problem}`).join('')}\n`);
    if (values.json !== undefined) appendFileSync(values.json, `${JSON.stringify({ seed, ...outcome })}\n`);
  },
});
process.stdout.write(`${tableLines(outcomes).join('\n')}\n\n${summary(outcomes)}\n${left.map((problem) => `the labs: ${problem}\n`).join('')}`);
process.exit(left.length > 0 || outcomes.some(({ problems }) => problems.length > 0) ? 1 : 0);
