/**
 * `npm run bench:prediction`: whether the plan of a move says what then happens.
 *
 * PODs that differ in memory, processes and files go to and fro; each move is planned first, as `zap pod move --dry-run` does, and then done. The first move of each
 * POD and direction teaches and is not counted. JSON lines on standard output: how far off the plans were, and each of them as a point.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { planOnly } from '../../main/moves/coordinator';
import { findPod } from '../../main/pods/locate';
import { asCommand } from './as-command';
import { BenchLab, type Host } from './bench-lab';
import { figure } from './figures';
import { progress } from './progress';

interface Variety {
  name: string;
  memoryMegabytes: number;
  processes: number;
  fileMegabytes: number;
}

const varieties: Variety[] = [
  { name: 'small', memoryMegabytes: 5, processes: 1, fileMegabytes: 0 },
  { name: 'many', memoryMegabytes: 20, processes: 20, fileMegabytes: 1 },
  { name: 'files', memoryMegabytes: 10, processes: 2, fileMegabytes: 60 },
  { name: 'middle', memoryMegabytes: 80, processes: 5, fileMegabytes: 5 },
  { name: 'large', memoryMegabytes: 300, processes: 3, fileMegabytes: 10 },
];
const tolerance = 0.3;
/** Random content, so that nothing is saved by what repeats itself. */
const holdMemory = 'open my $r, "<", "/dev/urandom"; read $r, my $x, $ARGV[0] << 20; $0 = "holder"; sleep 1 while 1';

await asCommand('bench:prediction', main);

async function main(signal: AbortSignal): Promise<number> {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '6' } } });
  const rounds = Number(values.rounds);
  await using lab = await BenchLab.up(resolve('dist'), signal);
  for (const variety of varieties) await furnish(lab, variety);
  const errors = { downtime: [] as number[], total: [] as number[], bytes: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    const to: Host = round % 2 === 0 ? 'beta' : 'alpha';
    for (const { name } of varieties) {
      const plan = await planOnly(lab.fleet, await findPod(lab.fleet, name, lab.signal), to, { willRun: true, signal: lab.signal });
      const seen = await lab.move(name, to);
      if (round < 2) continue;
      const point = (of: keyof typeof errors, predicted: number, happened: number): void => {
        errors[of].push(Math.abs(predicted / happened - 1) * 100);
        console.log(JSON.stringify({ metric: `prediction-${of}`, series: `${name} ${round}`, x: predicted, y: happened }));
      };
      point('downtime', plan.predictedDowntimeMs, seen.downtimeMs);
      point('total', plan.predictedTotalMs, seen.totalMs);
      point('bytes', plan.predictedSentBytes, seen.bytes.sent);
      progress(`${name} to ${to}: downtime ${plan.predictedDowntimeMs} / ${seen.downtimeMs} ms, total ${plan.predictedTotalMs} / ${seen.totalMs} ms, ${(plan.predictedSentBytes / 1e6).toFixed(2)} / ${(seen.bytes.sent / 1e6).toFixed(2)} MB`);
    }
  }
  for (const [of, all] of Object.entries(errors)) {
    console.log(JSON.stringify(figure(`prediction-${of}-off-by`, '%', all)));
    console.log(JSON.stringify(figure(`prediction-${of}-within-${tolerance * 100}-percent`, '%', [(all.filter((error) => error <= tolerance * 100).length / all.length) * 100])));
  }
  return 0;
}

async function furnish(lab: BenchLab, { name, memoryMegabytes, processes, fileMegabytes }: Variety): Promise<void> {
  await lab.createPod(name, { host: 'alpha', environment: 'shell', command: ['sleep', 'infinity'] });
  const megabytesEach = String(Math.ceil(memoryMegabytes / processes));
  for (let process = 0; process < processes; process++) await lab.exec(name, ['perl', '-e', holdMemory, megabytesEach], { detach: true });
  await lab.exec(name, ['sh', '-c', 'head -c "${1}M" /dev/urandom >/var/tmp/file; until [ "$(pgrep -xc holder)" = "$2" ]; do sleep .1; done', 'sh', String(fileMegabytes), String(processes)], { user: 'root' });
}
