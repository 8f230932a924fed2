/**
 * `npm run demo`: a desktop that moves between two hosts of a lab while it runs, told so that a newcomer can follow.
 *
 * Leaves the lab and the PODs for whoever wants to go on. Ctrl-C takes away what the demo has made.
 */
import { join } from 'node:path';
import { exitCodes, ZapError } from '../../helper/protocol/errors';
import { printable } from '../../main/cli/format';
import { bold, say, title, typed } from './narrator';
import { isLabUp, removePods, Story } from './story';
import { AlreadyTold, zapCommand } from './zap-command';

/** npm hands a Ctrl-C on that the terminal has delivered already. */
const sameKeyPressMs = 500;

const program = join(import.meta.dirname, 'zap.mjs');

process.exitCode = await main().catch((thrown: unknown) => {
  if (thrown instanceof AlreadyTold) return thrown.exitCode;
  const { message, hint, exitCode } = ZapError.from(thrown);
  console.error(`\nzap demo: ${printable(message)}${hint === undefined ? '' : `\n          ${printable(hint)}`}`);
  return exitCode;
});

async function main(): Promise<number> {
  if (process.getuid?.() !== 0) {
    throw new ZapError('lab/needs-root', 'The demo makes namespaces, mounts and network links, which only root may.', { hint: 'sudo env "PATH=$PATH" npm run demo' });
  }
  const cancel = listenForCancel();
  const startedMs = performance.now();
  const wasUp = await isLabUp(zapCommand(program));
  title('Zap: a desktop moves from one computer to another while it runs');
  try {
    await new Story(zapCommand(program, cancel), cancel).tell();
  } catch (error) {
    if (!cancel.aborted) throw error;
    console.error('\nzap demo: cancelled; taking away what was made…');
    await takeAway(wasUp);
    return exitCodes.cancelled;
  }
  goOn(performance.now() - startedMs);
  return 0;
}

function listenForCancel(): AbortSignal {
  const controller = new AbortController();
  let firstMs = 0;
  const onSignal = (): void => {
    if (!controller.signal.aborted) {
      firstMs = performance.now();
      controller.abort();
    } else if (performance.now() - firstMs > sameKeyPressMs) {
      console.error('\nzap demo: leaving at once. `npx zap lab down` takes away what is left.');
      process.exit(exitCodes.cancelled);
    }
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return controller.signal;
}

async function takeAway(wasUp: boolean): Promise<void> {
  const zap = zapCommand(program);
  if (!wasUp) await zap.json('lab', 'down');
  else await removePods(zap);
}

function goOn(elapsedMs: number): void {
  title(`Done in ${Math.round(elapsedMs / 1000)} s. The lab and both desktops are still there:`);
  typed('pod list');
  typed('pod attach desk              # a terminal in it; Ctrl-] leaves it, the session goes on');
  typed('pod move desk alpha');
  typed('pod screenshot desk now.png');
  say(`and when you have seen enough: ${bold('npx zap lab down')}`);
}
