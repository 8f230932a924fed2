/** Moves a POD to and fro and measures each time. */
import { setTimeout as delay } from 'node:timers/promises';
import type { MoveReport } from '../../main/moves/coordinator';
import type { BenchLab, Host } from './bench-lab';
import { figure, median, type Figure } from './figures';
import { progress } from './progress';
import { podNumber, type Scenario } from './scenarios';
import { longestGapMs, tickerFile, tickerProgram } from './ticker';

/** Between two moves the POD lives a little. */
const restMs = 500;

interface Sample {
  insideMs: number;
  downtimeMs: number;
  checkpointMs: number;
  restoreMs: number;
  totalMs: number;
  memoryBytes: number;
  /** Milliseconds by name of the step, on both sides. */
  steps: Record<string, number>;
}

export async function benchMoves(lab: BenchLab, scenario: Scenario, runs: number): Promise<Figure[]> {
  const pod = `bench-${scenario.name}`;
  progress(`${scenario.name}: starting`);
  await lab.createPod(pod, { host: 'alpha', environment: scenario.environment, number: podNumber });
  try {
    await scenario.furnish(lab, pod);
    await lab.exec(pod, ['perl', '-e', tickerProgram], { detach: true });
    // The first move brings the environment, and warms both hosts up: it does not count.
    await moveOnce(lab, scenario, pod, 'beta');
    const samples: Sample[] = [];
    for (let run = 1; run <= runs; run++) {
      const to: Host = run % 2 === 1 ? 'alpha' : 'beta';
      const sample = await moveOnce(lab, scenario, pod, to);
      samples.push(sample);
      progress(`${scenario.name} ${run}/${runs} to ${to}: stood still ${sample.downtimeMs} ms (inside ${sample.insideMs} ms), checkpoint ${sample.checkpointMs} ms, restore ${sample.restoreMs} ms, all ${sample.totalMs} ms, ${(sample.memoryBytes / 1e6).toFixed(1)} MB`);
    }
    const of = (name: string, pick: (sample: Sample) => number): Figure => figure(`move-${scenario.name}-${name}`, name === 'memory' ? 'bytes' : 'ms', samples.map(pick));
    progress(`${scenario.name} by step: ${stepNames(samples).map((name) => `${name} ${median(samples.map(({ steps }) => steps[name] ?? 0)).toFixed(1)}`).join(', ')}`);
    return [
      of('downtime-inside', ({ insideMs }) => insideMs),
      of('downtime', ({ downtimeMs }) => downtimeMs),
      of('checkpoint', ({ checkpointMs }) => checkpointMs),
      of('restore', ({ restoreMs }) => restoreMs),
      of('total', ({ totalMs }) => totalMs),
      of('memory', ({ memoryBytes }) => memoryBytes),
    ];
  } finally {
    if (!lab.signal.aborted) await lab.deletePod(pod);
  }
}

async function moveOnce(lab: BenchLab, scenario: Scenario, pod: string, to: Host): Promise<Sample> {
  await delay(restMs, undefined, { signal: lab.signal });
  const startedMs = Date.now();
  const move = (): Promise<MoveReport> => lab.move(pod, to);
  const report = await (scenario.during ? scenario.during(lab, move) : move());
  return {
    insideMs: longestGapMs(await lab.exec(pod, ['cat', tickerFile]), startedMs),
    downtimeMs: report.downtimeMs,
    checkpointMs: stepMs(report, 'freeze and dump'),
    restoreMs: stepMs(report, 'target: make processes'),
    totalMs: report.totalMs,
    memoryBytes: report.bytes.memory,
    steps: Object.fromEntries(report.steps.map(({ name, ms }) => [name, ms])),
  };
}

function stepNames(samples: Sample[]): string[] {
  return [...new Set(samples.flatMap(({ steps }) => Object.keys(steps)))];
}

function stepMs({ steps }: MoveReport, name: string): number {
  const step = steps.find((candidate) => candidate.name === name);
  if (!step) throw new Error(`The move reports no step "${name}", only: ${steps.map((known) => known.name).join(', ')}.`);
  return step.ms;
}
