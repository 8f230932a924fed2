/** A benchmark as a command: a signal undoes what it has made, and a failure is told in words. */
import { ZapError } from '../../helper/protocol/errors';
import { progress } from './progress';

export async function asCommand(name: string, main: (signal: AbortSignal) => Promise<number>): Promise<void> {
  const cancel = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => cancel.abort());
  try {
    process.exitCode = await main(cancel.signal);
  } catch (thrown) {
    const { message, hint, exitCode, evidence = [] } = ZapError.from(thrown);
    progress([`${name}: ${message}`, ...(hint === undefined ? [] : [hint]), ...evidence].join('\n'));
    process.exitCode = exitCode;
  }
}
