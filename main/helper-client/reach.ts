/** Whether one host reaches the port at which another would take a POD: tried with the very listener that a transfer has. */
import { randomBytes } from 'node:crypto';
import { ZapError } from '../../helper/protocol/errors';
import type { HelperClient } from './client';
import type { Finding } from './pair';

const DIAL_TIMEOUT_MS = 3_000;

/** Undefined when it does. */
export async function reachFinding(from: HelperClient, to: HelperClient, signal?: AbortSignal): Promise<Finding | undefined> {
  const stop = new AbortController();
  const stopped = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  let receiving: Promise<unknown> = Promise.resolve();
  try {
    const { addresses, port } = await new Promise<{ addresses: string[]; port: number }>((resolve, reject) => {
      receiving = to
        .call('transfer.receive', { transfer: randomBytes(8).toString('hex'), key: randomBytes(32).toString('hex'), relay: false }, { signal: stopped, onEvent: (event) => 'listening' in event && resolve(event.listening) })
        .catch(reject);
    });
    const data = { from: from.host, to: to.host, addresses, port };
    let failure: ZapError | undefined;
    for (const address of addresses) {
      try {
        await dial(from, address, port);
        return undefined;
      } catch (error) {
        failure = ZapError.from(error);
      }
    }
    if (failure?.code === 'host/channel-refused' || failure?.code === 'host/no-dial') {
      return { id: 'pair/reach-unknown', severity: 'note', message: `Whether ${from.host} reaches ${to.host} directly cannot be tried: ${failure.message}`, data };
    }
    return {
      id: 'pair/unreachable',
      severity: 'warning',
      message: `${from.host} does not reach ${to.host} (${addresses.join(', ') || 'it has no address'}) at the ports of transfers: moves go through this computer, which is slower.`,
      hint: `Let connections from ${from.host} pass the firewall of ${to.host} (TCP, ports from 1024 on).`,
      data,
    };
  } finally {
    stop.abort();
    await receiving.catch(() => {});
  }
}

async function dial(from: HelperClient, address: string, port: number): Promise<void> {
  if (!from.transport.dial) throw new ZapError('host/no-dial', 'connections cannot be made from there.');
  const dialling = from.transport.dial(address, port);
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ZapError('host/timeout', `${address}:${port} did not answer within ${DIAL_TIMEOUT_MS / 1000} s.`)), DIAL_TIMEOUT_MS);
  });
  try {
    await Promise.race([dialling, timeout]);
  } finally {
    clearTimeout(timer);
    dialling.then((stream) => stream.on('error', () => {}).destroy()).catch(() => {});
  }
}
