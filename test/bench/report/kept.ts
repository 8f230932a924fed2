/**
 * Lines of benchmarks that are kept: one file for each part, in docs/benchmarks.
 *
 * A part that is run again for some of its figures replaces these and leaves the others as they are.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

export const KeptFigure = z.looseObject({
  metric: z.string(),
  unit: z.string(),
  n: z.number(),
  median: z.number(),
  min: z.number(),
  max: z.number(),
  peer: z.string().optional(),
  peerMedian: z.number().optional(),
  ratio: z.number().optional(),
});
const KeptFailure = z.looseObject({ metric: z.string(), peer: z.string().optional(), failed: z.string() });
/** Two measured numbers that belong together: a point of a plot. */
const KeptPoint = z.looseObject({ metric: z.string(), series: z.string().optional(), x: z.number(), y: z.number() });
const KeptMachine = z.strictObject({ machine: z.string(), measuredAt: z.string() });
/** What `bench:seal` prints. */
const KeptCost = z.looseObject({ what: z.string(), mbPerSecondPerCore: z.number().optional(), lowest: z.number().optional(), highest: z.number().optional() });
export type KeptCost = z.infer<typeof KeptCost>;

export const KeptLine = z.union([KeptFigure, KeptFailure, KeptPoint, KeptMachine, KeptCost]);
export type KeptLine = z.infer<typeof KeptLine>;
export type KeptFigure = z.infer<typeof KeptFigure>;
export type KeptFailure = z.infer<typeof KeptFailure>;
export type KeptPoint = z.infer<typeof KeptPoint>;

export const isFigure = (line: KeptLine): line is KeptFigure => 'median' in line;
export const isFailure = (line: KeptLine): line is KeptFailure => 'failed' in line;
export const isPoint = (line: KeptLine): line is KeptPoint => 'x' in line && 'y' in line;

/** A line that says the same of another run has the same key. */
function keyOf(line: KeptLine): string {
  if ('machine' in line) return 'machine';
  if (isPoint(line)) return `${line.metric} at ${line.x} ${line.series ?? ''}`;
  if ('what' in line && typeof line.what === 'string') return `what ${line.what}`;
  const { metric, peer } = line as KeptFigure;
  return `${metric} ${peer ?? ''}`;
}

export function parseLines(text: string): KeptLine[] {
  return text.split('\n').filter((line) => line.startsWith('{')).map((line) => KeptLine.parse(JSON.parse(line)));
}

/** New lines take the place of those they repeat; a set of points is replaced as a whole. */
export function mergeLines(kept: readonly KeptLine[], fresh: readonly KeptLine[]): KeptLine[] {
  const keys = new Set(fresh.map(keyOf));
  const pointSets = new Set(fresh.filter(isPoint).map(({ metric }) => metric));
  const outcome = (line: KeptLine): string | undefined => (isFigure(line) || isFailure(line) ? `${line.metric} ${line.peer ?? ''}` : undefined);
  const outcomes = new Set(fresh.map(outcome));
  const stays = kept.filter((line) => !keys.has(keyOf(line)) && !(isPoint(line) && pointSets.has(line.metric)) && !(outcome(line) !== undefined && outcomes.has(outcome(line))));
  return [...stays, ...fresh];
}

export class KeptLines {
  constructor(private readonly directory: string) {}

  async read(part: string): Promise<KeptLine[]> {
    return parseLines(await readFile(join(this.directory, `${part}.jsonl`), 'utf8').catch(() => ''));
  }

  async add(part: string, fresh: readonly KeptLine[]): Promise<void> {
    if (fresh.length === 0) return;
    await mkdir(this.directory, { recursive: true });
    const lines = mergeLines(await this.read(part), [describeMachine(), ...fresh]);
    await writeFile(join(this.directory, `${part}.jsonl`), `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`);
  }
}

/** In general terms: whose machine it is belongs to nobody's report. */
function describeMachine(): KeptLine {
  const kernel = release().split('.').slice(0, 2).join('.');
  return { machine: `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB of memory, Linux ${kernel}; load average ${loadavg()[1]!.toFixed(1)} when it ended`, measuredAt: new Date().toISOString().slice(0, 10) };
}
