/**
 * `npm run bench:peers`: the same programs moved by Zap, by podman, by runc and by CRIU's own command line, in one run.
 *
 * JSON lines on standard output, each with the peer beside our figure; what a peer could not do is a line with what it said. The exit status is 1 when one of our
 * own moves failed.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ZapError } from '../../helper/protocol/errors';
import { asCommand } from './as-command';
import { BenchLab } from './bench-lab';
import { figure, type Figure, type Failure } from './figures';
import { measureMoves, type Sample } from './moves';
import { criuPeer } from './peers/criu';
import type { Container, Peer, PeerSteps } from './peers/peer';
import { podmanPeer } from './peers/podman';
import { preparePeers } from './peers/programs';
import { runcPeer } from './peers/runc';
import { progress } from './progress';
import { appear, scenarios, type Scenario } from './scenarios';
import { startWatchers, watch, type Watched } from './watched';

const makers = { runc: runcPeer, criu: criuPeer, podman: podmanPeer };
/** They take too long to be measured unless they are asked for. */
const onlyWhenNamed = ['desktop-xfce', 'redis-idle-4g'];
/** Addresses of their containers; a POD's is lower. */
const firstNumber = 40;

await asCommand('bench:peers', main);

async function main(signal: AbortSignal): Promise<number> {
  const { values } = parseArgs({ options: { runs: { type: 'string', default: '5' }, only: { type: 'string', multiple: true }, peer: { type: 'string', multiple: true } } });
  const runs = Number(values.runs);
  await using lab = await BenchLab.up(resolve('dist'), signal);
  const names = (Object.keys(makers) as (keyof typeof makers)[]).filter((name) => values.peer?.includes(name) ?? true);
  await preparePeers(lab.lab, ['alpha', 'beta'], { distDirectory: lab.distDirectory, hasPodman: names.includes('podman') });
  let number = firstNumber;
  for (const scenario of scenarios.filter(({ name, mayMemoryFollow }) => !mayMemoryFollow && (values.only?.includes(name) ?? !onlyWhenNamed.includes(name)))) {
    const ours = await measureMoves(lab, scenario, runs);
    for (const name of names) {
      const lines = await compare(lab, scenario, makers[name](lab.lab, lab.subnet), { ours, number: number++, runs: Math.min(runs, scenario.runs ?? runs) });
      for (const line of lines) console.log(JSON.stringify(line));
    }
  }
  return 0;
}

type PeerSample = Watched<PeerSteps>;

async function compare(lab: BenchLab, scenario: Scenario, peer: Peer, { ours, number, runs }: { ours: Sample[]; number: number; runs: number }): Promise<(Figure | Failure)[]> {
  progress(`${scenario.name} by ${peer.name}: starting`);
  const samples: PeerSample[] = [];
  const failures: Failure[] = [];
  const name = `peers-${scenario.name}`;
  try {
    await measurePeer(lab, scenario, peer, { number, runs, onSample: (sample) => samples.push(sample) });
  } catch (error) {
    if (lab.signal.aborted) throw error;
    const { message, evidence } = ZapError.from(error);
    progress(`${scenario.name} by ${peer.name}: ${message}\n${evidence?.join('\n') ?? ''}`);
    const failed = [message, ...(error instanceof ZapError ? (evidence ?? []) : [])].join('\n').slice(0, 1000);
    if (samples.length === 0) return [{ metric: `${name}-downtime-inside`, peer: peer.name, failed }];
    failures.push({ metric: `${name}-move-${samples.length + 1}`, peer: peer.name, failed });
  }
  const line = (metric: string, mine: (sample: Sample) => number, theirs: (sample: PeerSample) => number): Figure =>
    figure(`${name}-${metric}`, metric === 'bytes' ? 'bytes' : 'ms', ours.map(mine), { name: peer.name, values: samples.map(theirs) });
  return [
    line('downtime-inside', ({ insideMs }) => insideMs, ({ insideMs }) => insideMs),
    line('downtime-outside', ({ outsideMs }) => outsideMs, ({ outsideMs }) => outsideMs),
    line('checkpoint', ({ checkpointMs }) => checkpointMs, ({ result }) => result.checkpointMs),
    line('restore', ({ restoreMs }) => restoreMs, ({ result }) => result.restoreMs),
    line('bytes', ({ memoryBytes }) => memoryBytes, ({ result }) => result.bytes),
    ...failures,
  ];
}

async function measurePeer(lab: BenchLab, scenario: Scenario, peer: Peer, { number, runs, onSample }: { number: number; runs: number; onSample: (sample: PeerSample) => void }): Promise<void> {
  const digest = await lab.environment(scenario.environment, 'alpha');
  const user = scenario.environment.startsWith('desktop') ? 'user' : 'root';
  let container: Container | undefined;
  try {
    container = await peer.create({ number, environment: scenario.environment, digest, user, ...(scenario.command ? { command: scenario.command } : {}) });
    if (user === 'user') await displayReady(container);
    await scenario.furnish(container);
    await startWatchers(container);
    for (let run = 1; run <= runs; run++) {
      const to = run % 2 === 1 ? 'beta' : 'alpha';
      const moving = container;
      const sample = await watch(scenario, moving, () => moving.move(to), lab.signal);
      const { insideMs, outsideMs, result } = sample;
      progress(`${scenario.name} by ${peer.name} ${run}/${runs}: stood still ${insideMs} ms inside, ${outsideMs.toFixed(0)} ms outside; checkpoint ${result.checkpointMs.toFixed(0)} ms, copy ${result.copyMs.toFixed(0)} ms, restore ${result.restoreMs.toFixed(0)} ms, ${(result.bytes / 1e6).toFixed(1)} MB`);
      onSample(sample);
    }
  } finally {
    await container?.remove();
  }
}

/** A POD is ready when its screen is; here it has to be looked for. */
async function displayReady(container: Container): Promise<void> {
  await appear(container, ['Xtigervnc']);
  await container.exec(['sh', '-c', 'n=0; until [ -S /run/zap/vnc.sock ] || [ $n = 200 ]; do n=$((n+1)); sleep .1; done']);
}
