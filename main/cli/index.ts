/** The `zap` command. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultZapHome } from '../hosts/inventory';
import { exitCodes } from '../../helper/protocol/errors';
import { runCli } from './run';

const cancel = new AbortController();

function onInterrupt(): void {
  if (cancel.signal.aborted) {
    process.stderr.write('\nzap: leaving at once; the hosts finish or undo alone what has begun. See `zap pod list`.\n');
    process.exit(exitCodes.cancelled);
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
  process.argv.slice(2),
  { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr },
  { zapHome: defaultZapHome(), distDirectory: existsSync(join(here, 'environments.json')) ? here : join(here, '../../dist'), signal: cancel.signal },
);
// Whatever is still open (a pipe on standard input, say) is of no interest any more; what was printed is.
process.stdout.write('', () => process.stderr.write('', () => process.exit(status)));
