/**
 * `npm run bench:scale`: many PODs on a host, many moves at once, a host that is emptied.
 *
 * JSON lines on standard output: figures, and points of how they grow. Nothing is asserted about speed.
 */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { listPods } from '../../main/pods/locate';
import { asCommand } from './as-command';
import { BenchLab, type Host } from './bench-lab';
import { figure, median, type Unit } from './figures';
import { progress } from './progress';

const idleCommand = ['sleep', 'infinity'];
const listRuns = 10;
/** As the app measures. */
const statsAtOnce = 4;
const roundMs = 5000;
const rounds = 2;
const evacuated = 20;
const evacuateAtOnce = 4;
const ticksPerSecond = 100;

const print = (metric: string, unit: Unit, values: readonly number[]): void => console.log(JSON.stringify(figure(metric, unit, values)));
const point = (metric: string, series: string, x: number, y: number): void => console.log(JSON.stringify({ metric, series, x, y: Math.round(y * 100) / 100 }));

await asCommand('bench:scale', main);

async function main(signal: AbortSignal): Promise<number> {
  const { values } = parseArgs({ options: { pods: { type: 'string', default: '100' }, moves: { type: 'string', default: '10' } } });
  const [pods, moves] = [Number(values.pods), Number(values.moves)];
  await using lab = await BenchLab.up(resolve('dist'), signal);
  await lab.environment('shell', 'beta');
  await fill(lab, pods);
  const names = Array.from({ length: pods }, (_, index) => nameOf(index));
  for (const count of [1, 2, 5, moves].filter((step, index, all) => step <= moves && all.indexOf(step) === index)) {
    const { downtimesMs, allMs } = await moveAll(lab, names.slice(0, count), 'beta', count);
    progress(`${count} moves at once: all in ${allMs.toFixed(0)} ms, stood still ${median(downtimesMs).toFixed(0)} ms (median)`);
    point('scale-moves', 'all of them', count, allMs);
    point('scale-moves', 'downtime, median', count, median(downtimesMs));
    if (count === moves) {
      print(`scale-${count}-moves-at-once`, 'ms', [allMs]);
      print(`scale-${count}-moves-at-once-downtime`, 'ms', downtimesMs);
    }
    await moveAll(lab, names.slice(0, count), 'alpha', count);
  }
  const left = names.slice(0, Math.min(evacuated, pods));
  const { downtimesMs, allMs } = await moveAll(lab, left, 'beta', evacuateAtOnce);
  print(`scale-evacuate-${left.length}-at-most-${evacuateAtOnce}-at-once`, 'ms', [allMs]);
  print('scale-evacuate-downtime', 'ms', downtimesMs);
  return 0;
}

function nameOf(index: number): string {
  return `scale-${String(index).padStart(3, '0')}`;
}

/** PODs one after the other; at some numbers of them it is looked what they cost. */
async function fill(lab: BenchLab, pods: number): Promise<void> {
  const stops = new Set([0, 10, 25, 50, 75, 100, pods].filter((count) => count <= pods));
  const creations: number[] = [];
  let emptyBytes = 0;
  for (let count = 0; count <= pods; count++) {
    if (stops.has(count)) {
      const bytes = await measureIdle(lab, count, count === pods);
      if (count === 0) emptyBytes = bytes;
      else if (count === pods) print(`scale-helper-memory-for-each-of-${pods}`, 'bytes', [Math.max(0, bytes - emptyBytes) / pods]);
    }
    if (count === pods) break;
    const startedMs = performance.now();
    await lab.createPod(nameOf(count), { host: 'alpha', environment: 'shell', command: idleCommand });
    creations.push(performance.now() - startedMs);
  }
  print(`scale-create-of-${pods}`, 'ms', creations);
}

/** What PODs cost that do nothing: while they are looked at as the app does, all of them once in five seconds. Returns the helper's memory. */
async function measureIdle(lab: BenchLab, count: number, isLast: boolean): Promise<number> {
  const listMs: number[] = [];
  let ids: string[] = [];
  for (let run = 0; run < listRuns; run++) {
    const startedMs = performance.now();
    const { pods } = await listPods(lab.fleet, { hosts: ['alpha'], signal: lab.signal });
    listMs.push(performance.now() - startedMs);
    if (pods.length < count) throw new Error(`The host names ${pods.length} of ${count} PODs.`);
    ids = pods.map(({ pod }) => pod.id);
  }
  const statsMs: number[] = [];
  const before = await helperUse(lab);
  for (let round = 0; round < rounds; round++) {
    const startedMs = performance.now();
    const client = await lab.fleet.client('alpha', lab.signal);
    await eachAtOnce(ids, statsAtOnce, async (pod) => void (await client.call('pod.show', { pod }, { signal: lab.signal })));
    statsMs.push(performance.now() - startedMs);
    await delay(Math.max(0, roundMs - statsMs.at(-1)!));
  }
  const after = await helperUse(lab);
  const cpuPercent = ((after.ticks - before.ticks) / ticksPerSecond / ((rounds * roundMs) / 1000)) * 100;
  progress(`${count} PODs: list ${median(listMs).toFixed(0)} ms, measured in ${median(statsMs).toFixed(0)} ms, helper ${(after.bytes / 1e6).toFixed(0)} MB and ${cpuPercent.toFixed(1)} % of a processor`);
  point('scale-idle', 'list, ms', count, median(listMs));
  point('scale-idle', 'helper, MB', count, after.bytes / 1e6);
  point('scale-idle', 'helper, % of a processor', count, cpuPercent);
  if (!isLast) return after.bytes;
  print(`scale-list-${count}`, 'ms', listMs);
  print(`scale-stats-${count}`, 'ms', statsMs);
  print(`scale-helper-memory-with-${count}`, 'bytes', [after.bytes]);
  print(`scale-helper-cpu-for-each-of-${count}`, '%', [cpuPercent / Math.max(1, count)]);
  return after.bytes;
}

/** Memory of its own and processor time of the helper on alpha. */
async function helperUse(lab: BenchLab): Promise<{ bytes: number; ticks: number }> {
  const own = lab.lab.rootOf('alpha');
  const use = { bytes: 0, ticks: 0 };
  for (const pid of (await readdir(join(own, 'proc'))).filter((name) => /^\d+$/.test(name))) {
    const program = await readlink(join(own, 'proc', pid, 'exe')).catch(() => '');
    if (!program.includes('zap-helper')) continue;
    const rollup = await readFile(join(own, 'proc', pid, 'smaps_rollup'), 'utf8').catch(() => '');
    const stat = (await readFile(join(own, 'proc', pid, 'stat'), 'utf8').catch(() => '')).replace(/^.*\) /, '').split(' ');
    use.bytes += Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0) * 1024;
    use.ticks += Number(stat[11] ?? 0) + Number(stat[12] ?? 0);
  }
  return use;
}

/** Downtimes of the moves. */
async function moveAll(lab: BenchLab, names: readonly string[], to: Host, atOnce: number): Promise<{ downtimesMs: number[]; allMs: number }> {
  const startedMs = performance.now();
  const downtimesMs: number[] = [];
  await eachAtOnce(names, atOnce, async (name) => void downtimesMs.push((await lab.move(name, to)).downtimeMs));
  return { downtimesMs, allMs: performance.now() - startedMs };
}

async function eachAtOnce(names: readonly string[], atOnce: number, act: (name: string) => Promise<void>): Promise<void> {
  const queue = [...names];
  const work = async (): Promise<void> => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) await act(name);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}
