/**
 * `npm run bench:overhead`: what programs pay for being in a POD.
 *
 * The same files and the same statically linked programs run by turns in a POD and on its host, there in a plain copy of the POD's environment without namespaces,
 * filter, overlay or control group of its own. JSON lines on standard output; nothing is asserted about speed.
 */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { asCommand } from './as-command';
import { BenchLab } from './bench-lab';
import { figure, type Unit } from './figures';
import { treeOf } from './peers/files';
import { progress } from './progress';

const pod = 'bench-overhead';
const podNumber = 20;
const outside = '/var/lib/zap/outside';
/** Where its programs are, in the POD and in the copy. */
const programs = '/opt';
const sources = resolve('test/bench/overhead');

/** One measurement: the names and values it prints, each by a line. */
interface Measure {
  names: string[];
  unit: Unit;
  command: string[];
  /** Where it runs for the figure, instead of in the POD. */
  isOutside?: boolean;
  /** After the figures' names. */
  suffix?: string;
  /** What is compared with it, where that is another command. */
  outside?: string[];
}

/** On one processor: where a child begins is the scheduler's whim, and worth more than what is measured. */
const pinned = ['taskset', '-c', '0'];
const micro = ['getpid', 'shmget+shmctl', 'semget+semctl', 'fork+exit', 'fork+exec', 'fork+sh'];
const measures: Measure[] = [
  { names: micro, unit: 'ns', command: [...pinned, `${programs}/micro`] },
  { names: ['getpid', 'fork+exit'], unit: 'ns', command: [...pinned, `${programs}/micro`, 'filtered'], isOutside: true, suffix: ' outside, with a filter that lets all pass', outside: [...pinned, `${programs}/micro`] },
  { names: ['chat'], unit: 'messages/s', command: [`${programs}/chat`] },
  { names: ['compile'], unit: 'ms', command: ['bash', '-c', 'TIMEFORMAT=%R; { time gcc -O2 -c -o /tmp/big.o "$0"; } 2>&1 | { read -r s; echo "compile $(echo "$s" | tr -d .)"; }', `${programs}/big.c`] },
  { names: ['apache'], unit: 'requests/s', command: ['sh', '-c', 'ab -q -n 4000 -c 10 http://127.0.0.1/ | sed -n "s/^Requests per second: *\\([0-9.]*\\).*/apache \\1/p"'] },
];

/** Three hundred functions with loops and tables. */
const program = Array.from({ length: 300 }, (_, n) => `static int table${n}[64]; int f${n}(int a) { int s = ${n}; for (int i = 0; i < a; i++) { s = s * 31 + table${n}[i % 64]; if (s % 7 == ${n % 7}) table${n}[i % 64] ^= s; } return s; }`).join('\n');

await asCommand('bench:overhead', main);

async function main(signal: AbortSignal): Promise<number> {
  const { values } = parseArgs({ options: { runs: { type: 'string', default: '7' } } });
  const runs = Number(values.runs);
  await using lab = await BenchLab.up(resolve('dist'), signal);
  await lab.createPod(pod, { host: 'alpha', environment: 'bench', number: podNumber, command: ['apache2ctl', '-D', 'FOREGROUND'] });
  await furnish(lab);
  const inPod = (command: string[]): Promise<string> => lab.exec(pod, command, { user: 'root' });
  const onHost = async (command: string[]): Promise<string> => (await lab.lab.exec('alpha', ['chroot', outside, ...command])).stdout;
  for (const { names, unit, command, isOutside = false, suffix = '', outside: plain = command } of measures) {
    const measured = { inside: new Map<string, number[]>(), outside: new Map<string, number[]>() };
    for (let run = 0; run <= runs; run++) {
      const text = { inside: await (isOutside ? onHost : inPod)(command), outside: await onHost(plain) };
      if (run === 0) continue; // both warm
      for (const place of ['inside', 'outside'] as const) collect(text[place], names, measured[place]);
    }
    for (const name of names) {
      const line = figure(`overhead-${name}${suffix}`, unit, measured.inside.get(name)!, { name: 'outside', values: measured.outside.get(name)! });
      progress(`${name}${suffix}: ${line.median} ${unit} inside, ${line.peerMedian} outside, ${(((line.ratio ?? 1) - 1) * 100).toFixed(1)} %`);
      console.log(JSON.stringify(line));
    }
  }
  return 0;
}

function collect(text: string, names: string[], into: Map<string, number[]>): void {
  const found = new Map(text.trim().split('\n').map((line) => line.split(' ')).map(([name, value]) => [name!, Number(value)]));
  for (const name of names) {
    const value = found.get(name);
    if (value === undefined || !Number.isFinite(value)) throw new Error(`"${name}" was not measured: ${text}`);
    into.set(name, [...(into.get(name) ?? []), value]);
  }
}

/** Compiled once in the POD; the copy outside gets the same files. */
async function furnish(lab: BenchLab): Promise<void> {
  const put = (path: string, content: string): Promise<string> => lab.exec(pod, ['sh', '-c', 'printf %s "$1" >"$2"', 'sh', content, path], { user: 'root' });
  for (const name of ['micro', 'chat']) {
    await put(`${programs}/${name}.c`, await readFile(resolve(sources, `${name}.c`), 'utf8'));
    await lab.exec(pod, ['gcc', '-O2', '-static', '-o', `${programs}/${name}`, `${programs}/${name}.c`], { user: 'root' });
  }
  await put(`${programs}/big.c`, program);
  const digest = await lab.environment('bench', 'alpha');
  const script = 'set -e; cp -a "$1" "$2"; cp -a "/run/zap/pods/"*"/root$3/." "$2$3/"; cp -a /run/zap/pods/*/root/etc/hosts "$2/etc/"; mount -t proc proc "$2/proc"; mount --bind /dev "$2/dev"; (setsid chroot "$2" apache2ctl -D FOREGROUND </dev/null >/dev/null 2>&1 &)';
  await lab.lab.exec('alpha', ['sh', '-c', script, 'sh', treeOf(digest), outside, programs], { captureOutput: false });
}
