/** A host's terminal in ours: the way in that the helper takes as well, without the helper. */
import { ZapError } from '../../helper/protocol/errors';
import { openHost } from '../hosts/connect';
import type { Inventory } from '../hosts/inventory';
import type { Context } from './context';
import type { Result } from './output';
import { openTerminal, requireTerminal, terminalSize } from './terminal';

export async function hostShell(inventory: Inventory, host: string, context: Context): Promise<Result> {
  if (context.isJson) throw new ZapError('usage/bad-arguments', 'A terminal cannot be printed as JSON.');
  requireTerminal(context);
  const transport = await openHost(inventory, host, { ...context.surroundings, signal: context.signal });
  try {
    if (!transport.openTerminal) throw new ZapError('host/no-terminal', `There are no terminals on the way to ${host}.`);
    const { stream, resize, exit } = await transport.openTerminal({ ...terminalSize(), term: process.env['TERM'] ?? 'xterm-256color' });
    context.output.endProgress();
    const ended = new Promise((resolve) => stream.once('end', resolve).once('close', resolve));
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => context.output.stdout.write(chunk));
    const terminal = openTerminal(context, resize);
    const hangUp = (): void => void stream.destroy();
    context.signal.addEventListener('abort', hangUp, { once: true });
    const onInput = (chunk: Buffer): void => void stream.write(chunk);
    context.stdin.on('data', onInput);
    context.stdin.resume();
    try {
      const status = await exit;
      await ended;
      if (context.signal.aborted) throw new ZapError('cancelled/by-user', 'Cancelled: the shell was hung up.');
      if (status === null) throw new ZapError('host/connection-lost', `The connection to ${host} ended.`, { data: { host } });
      return { json: {}, exitCode: status };
    } finally {
      context.signal.removeEventListener('abort', hangUp);
      context.stdin.off('data', onInput);
      context.stdin.pause();
      terminal.restore();
    }
  } finally {
    transport.close();
  }
}
