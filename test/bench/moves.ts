/** Moves a POD to and fro and measures each time. */
import type { MoveReport } from '../../main/moves/coordinator';
import type { BenchLab, Host } from './bench-lab';
import { figure, median, type Figure } from './figures';
import { progress } from './progress';
import type { Scenario } from './scenarios';
import { startWatchers, watch } from './watched';

export const podNumber = 20;

export interface Sample {
  insideMs: number;
  /** The slowest answer that a client outside got. */
  outsideMs: number;
  downtimeMs: number;
  checkpointMs: number;
  restoreMs: number;
  totalMs: number;
  memoryBytes: number;
  /** Milliseconds by name of the step, on both sides. */
  steps: Record<string, number>;
}

export async function benchMoves(lab: BenchLab, scenario: Scenario, runs: number): Promise<Figure[]> {
  const samples = await measureMoves(lab, scenario, runs);
  const of = (name: string, pick: (sample: Sample) => number): Figure => figure(`move-${scenario.name}-${name}`, name === 'memory' ? 'bytes' : 'ms', samples.map(pick));
  progress(`${scenario.name} by step: ${stepNames(samples).map((name) => `${name} ${stepMedian(samples, name).toFixed(1)}`).join(', ')}`);
  return [
    of('downtime-inside', ({ insideMs }) => insideMs),
    of('downtime-outside', ({ outsideMs }) => outsideMs),
    of('downtime', ({ downtimeMs }) => downtimeMs),
    of('checkpoint', ({ checkpointMs }) => checkpointMs),
    of('restore', ({ restoreMs }) => restoreMs),
    of('total', ({ totalMs }) => totalMs),
    of('memory', ({ memoryBytes }) => memoryBytes),
    ...stepNames(samples).map((name) => figure(`move-${scenario.name}-step: ${name}`, 'ms', samples.map(({ steps }) => steps[name] ?? 0))),
  ];
}

export async function measureMoves(lab: BenchLab, scenario: Scenario, wantedRuns: number): Promise<Sample[]> {
  const runs = Math.min(wantedRuns, scenario.runs ?? wantedRuns);
  const pod = `bench-${scenario.name}`;
  progress(`${scenario.name}: starting`);
  await lab.createPod(pod, { host: 'alpha', environment: scenario.environment, number: podNumber, ...(scenario.command ? { command: scenario.command } : {}) });
  try {
    const place = lab.place(pod, podNumber);
    await scenario.furnish(place);
    await startWatchers(place);
    // The first move brings the environment, and warms both hosts up: it does not count.
    await moveOnce(lab, scenario, pod, 'beta');
    const samples: Sample[] = [];
    for (let run = 1; run <= runs; run++) {
      const to: Host = run % 2 === 1 ? 'alpha' : 'beta';
      const sample = await moveOnce(lab, scenario, pod, to);
      samples.push(sample);
      progress(`${scenario.name} ${run}/${runs} to ${to}: stood still ${sample.downtimeMs} ms (inside ${sample.insideMs} ms, outside ${sample.outsideMs.toFixed(0)} ms), checkpoint ${sample.checkpointMs} ms, restore ${sample.restoreMs} ms, all ${sample.totalMs} ms, ${(sample.memoryBytes / 1e6).toFixed(1)} MB`);
    }
    return samples;
  } finally {
    if (!lab.signal.aborted) await lab.deletePod(pod);
  }
}

async function moveOnce(lab: BenchLab, scenario: Scenario, pod: string, to: Host): Promise<Sample> {
  const { insideMs, outsideMs, result: report } = await watch(scenario, lab.place(pod, podNumber), () => lab.move(pod, to, scenario.mayMemoryFollow), lab.signal);
  return {
    insideMs,
    outsideMs,
    downtimeMs: report.downtimeMs,
    checkpointMs: stepMs(report, 'freeze and dump'),
    restoreMs: stepMs(report, 'target: make processes'),
    totalMs: report.totalMs,
    memoryBytes: report.bytes.memory,
    steps: Object.fromEntries(report.steps.map(({ name, ms }) => [name, ms])),
  };
}

function stepMedian(samples: Sample[], name: string): number {
  return median(samples.map(({ steps }) => steps[name] ?? 0));
}

function stepNames(samples: Sample[]): string[] {
  return [...new Set(samples.flatMap(({ steps }) => Object.keys(steps)))];
}

function stepMs({ steps }: MoveReport, name: string): number {
  const step = steps.find((candidate) => candidate.name === name);
  if (!step) throw new Error(`The move reports no step "${name}", only: ${steps.map((known) => known.name).join(', ')}.`);
  return step.ms;
}
