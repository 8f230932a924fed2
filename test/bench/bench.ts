/**
 * `npm run bench`: all benchmarks, one after the other, and the report that is made of their lines.
 *
 * `-- --part NAME` runs some, and what follows another `--` goes to them; `-- --report` runs none and only writes the report anew. What a part prints is kept in docs/benchmarks; a part that fails leaves the kept
 * lines of an earlier run as they are, and the exit status is 1.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ZapError } from '../../helper/protocol/errors';
import { run } from '../../helper/system/spawn';
import { progress } from './progress';
import { KeptLines, parseLines } from './report/kept';
import { readTemplate, writeReport } from './report/report';

/** Names of the scripts behind `bench:`, in the order in which they run. */
const parts = ['move', 'peers', 'overhead', 'scale', 'prediction', 'hosts', 'seal', 'app'] as const;
const docs = resolve('docs');
const template = resolve('test/bench/report/template.md');

process.exitCode = await main().catch((thrown: unknown) => {
  const { message, hint, exitCode } = ZapError.from(thrown);
  progress(`bench: ${message}${hint === undefined ? '' : `\n       ${hint}`}`);
  return exitCode;
});

async function main(): Promise<number> {
  const { chosen, keep, passedOn } = readArguments();
  const kept = new KeptLines(resolve(docs, 'benchmarks'));
  const failed: string[] = [];
  if (keep) await kept.add(chosen[0]!, parseLines(readFileSync(keep, 'utf8')));
  for (const part of keep ? [] : chosen) {
    progress(`== bench:${part}`);
    const lines: string[] = [];
    try {
      await run('npm', ['run', '--silent', `bench:${part}`, '--', ...passedOn], { env: process.env, onLine: (line) => (line.startsWith('{') ? lines.push(line) : progress(line)) });
    } catch (error) {
      progress(`bench:${part}: ${ZapError.from(error).message}`);
      failed.push(part);
    }
    await kept.add(part, parseLines(lines.join('\n')));
  }
  for (const path of await writeReport(docs, await readTemplate(template))) progress(`written: ${path}`);
  if (failed.length > 0) progress(`Not everything could be measured by: ${failed.join(', ')}.`);
  return failed.length > 0 ? 1 : 0;
}

function readArguments(): { chosen: string[]; keep: string | undefined; passedOn: string[] } {
  const usage = (message: string): ZapError => new ZapError('usage/bad-arguments', message, { hint: `npm run bench -- [--report] [--part NAME]… [--keep FILE] [-- ARGUMENTS OF THE PARTS], where NAME is one of ${parts.join(', ')}; --keep takes the lines that one part printed before.` });
  let values: { report?: boolean; part?: string[]; keep?: string };
  const end = process.argv.indexOf('--', 2);
  const [own, passedOn] = end < 0 ? [process.argv.slice(2), []] : [process.argv.slice(2, end), process.argv.slice(end + 1)];
  try {
    ({ values } = parseArgs({ args: own, options: { report: { type: 'boolean' }, part: { type: 'string', multiple: true }, keep: { type: 'string' } } }));
  } catch (error) {
    throw usage((error as Error).message);
  }
  const unknown = values.part?.find((name) => !(parts as readonly string[]).includes(name));
  if (unknown !== undefined) throw usage(`There is no part "${unknown}".`);
  if (values.keep !== undefined && values.part?.length !== 1) throw usage('The lines to keep belong to one part.');
  return { chosen: values.report ? [] : (values.part ?? [...parts]), keep: values.keep, passedOn };
}
