/**
 * `npm run bench:move`: how long PODs stand still when they move between two hosts of a lab.
 *
 * JSON lines on standard output, what happens on standard error. Nothing is asserted about speed; a benchmark that could not run, or moved something
 * wrongly, makes the exit status 1.
 */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { exitCodes, ZapError } from '../../helper/protocol/errors';
import { readRecipeBundle } from '../../main/environments/recipe';
import { join } from 'node:path';
import { asCommand } from './as-command';
import { BenchLab } from './bench-lab';
import type { Figure } from './figures';
import { benchMoves } from './moves';
import { benchPodList } from './pod-list';
import { progress } from './progress';
import { benchRecipes } from './recipes';
import { scenarios } from './scenarios';

interface Benchmark {
  name: string;
  environment: string;
  run(lab: BenchLab, runs: number): Promise<Figure[]>;
}

const benchmarks: Benchmark[] = [
  ...scenarios.map((scenario): Benchmark => ({ name: scenario.name, environment: scenario.environment, run: (lab, runs) => benchMoves(lab, scenario, runs) })),
  { name: 'pod-list', environment: 'desktop', run: benchPodList },
];

const distDirectory = import.meta.dirname;

await asCommand('bench:move', main);

async function main(signal: AbortSignal): Promise<number> {
  const { runs, chosen } = readArguments();
  if (process.getuid?.() !== 0) throw new ZapError('lab/needs-root', 'The benchmark makes a lab, which only root may.', { hint: 'sudo env "PATH=$PATH" npm run bench:move' });
  const recipes = new Set([...benchRecipes, ...(await readRecipeBundle(join(distDirectory, 'environments.json')))].map(({ name }) => name));
  const failed: string[] = [];
  await using lab = await BenchLab.up(distDirectory, signal);
  for (const { name, environment, run } of chosen) {
    if (!recipes.has(environment)) {
      progress(`SKIPPED: ${name}: there is no recipe "${environment}" to build its environment from.`);
      failed.push(name);
      continue;
    }
    try {
      const load = loadavg()[0]!.toFixed(1);
      for (const line of await run(lab, runs)) console.log(JSON.stringify(line));
      progress(`${name}: done (load average ${load} before, ${loadavg()[0]!.toFixed(1)} after)`);
    } catch (error) {
      if (signal.aborted) return exitCodes.cancelled;
      progress(`FAILED: ${name}: ${ZapError.from(error).message}`);
      failed.push(name);
    }
  }
  if (failed.length > 0) progress(`No figures of: ${failed.join(', ')}.`);
  return failed.length > 0 ? 1 : 0;
}

function readArguments(): { runs: number; chosen: Benchmark[] } {
  const names = benchmarks.map(({ name }) => name).join(', ');
  const usage = (message: string): ZapError => new ZapError('usage/bad-arguments', message, { hint: `npm run bench:move -- [--runs N] [--only NAME]…, where NAME is one of ${names}.` });
  let values: { runs: string; only?: string[] };
  try {
    ({ values } = parseArgs({ options: { runs: { type: 'string', default: '10' }, only: { type: 'string', multiple: true } } }) as { values: typeof values });
  } catch (error) {
    throw usage((error as Error).message);
  }
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1 || runs > 1000) throw usage(`"${values.runs}" is not a number of runs.`);
  const unknown = values.only?.find((name) => !benchmarks.some((benchmark) => benchmark.name === name));
  if (unknown !== undefined) throw usage(`There is no benchmark "${unknown}".`);
  return { runs, chosen: benchmarks.filter(({ name }) => values.only?.includes(name) ?? true) };
}
