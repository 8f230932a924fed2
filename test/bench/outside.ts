/** A client outside: one byte to and fro over one connection, again and again, and how long the slowest took. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { echoPort } from './ticker';

const restMs = 1;
const connectTimeoutMs = 10_000;
const settleMs = 100;
/** A connection that is silent for so long did not survive. */
const silenceMs = 20_000;

/** Runs `during` with the client at work; throws when its connection does not survive. */
export async function withClient<T>(address: string, during: () => Promise<T>): Promise<{ result: T; longestMs: number }> {
  const socket = await connected(address);
  let longestMs = 0;
  let stopped = false;
  const closed = once(socket, 'close').then(() => {
    throw new Error('The connection was closed.');
  });
  closed.catch(() => {}); // told where an answer is awaited
  const asking = (async () => {
    while (!stopped) {
      const startedMs = performance.now();
      const answer = once(socket, 'data', { signal: AbortSignal.timeout(silenceMs) });
      answer.catch(() => {});
      socket.write('x');
      await Promise.race([answer, closed]);
      longestMs = Math.max(longestMs, performance.now() - startedMs);
      await delay(restMs);
    }
  })();
  asking.catch(() => {}); // told below
  try {
    const result = await during();
    await delay(settleMs);
    stopped = true;
    await asking.catch((cause: unknown) => {
      throw new Error('The connection of the client outside did not survive.', { cause });
    });
    return { result, longestMs };
  } finally {
    stopped = true;
    socket.destroy();
  }
}

async function connected(address: string): Promise<ReturnType<typeof connect>> {
  const giveUpMs = Date.now() + connectTimeoutMs;
  for (;;) {
    const socket = connect({ host: address, port: echoPort, noDelay: true });
    try {
      await once(socket, 'connect');
      socket.on('error', () => {}); // whoever waits for an answer is told
      return socket;
    } catch (error) {
      socket.destroy();
      if (Date.now() > giveUpMs) throw error;
      await delay(50);
    }
  }
}
