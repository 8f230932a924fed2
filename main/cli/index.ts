/** The `zap` command. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultZapHome } from '../hosts/inventory';
import { ZapError } from '../../helper/protocol/errors';
import { Output } from './output';
import { runCli, wantsJson } from './run';

const argv = process.argv.slice(2);
const cancel = new AbortController();

function onInterrupt(): void {
  if (cancel.signal.aborted) {
    const left = new ZapError('cancelled/left', 'Left at once; the hosts finish or undo alone what has begun.', { hint: 'See `zap pod list`.' });
    if (process.stderr.isTTY) process.stderr.write('\n');
    new Output(process.stdout, process.stderr, wantsJson(argv)).error(left);
    process.exit(left.exitCode);
  }
  if (process.stderr.isTTY) process.stderr.write('\nzap: cancelling… (Ctrl-C again leaves at once)\n');
  cancel.abort();
}

process.on('SIGINT', onInterrupt);
process.on('SIGTERM', onInterrupt);
// A reader that has seen enough (`zap pod list | head -1`) is no failure.
process.stdout.on('error', () => process.exit(0));

const here = dirname(fileURLToPath(import.meta.url));
const status = await runCli(
  argv,
  { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr },
  { zapHome: defaultZapHome(), distDirectory: existsSync(join(here, 'environments.json')) ? here : join(here, '../../dist'), signal: cancel.signal },
);
// Whatever is still open (a pipe on standard input, say) is of no interest any more; what was printed is.
process.stdout.write('', () => process.stderr.write('', () => process.exit(status)));
