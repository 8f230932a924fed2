/** The terminals of a POD, apart from their streams: which there are, what one has shown, its end. */
import type { Output } from '../../helper/protocol/contract';
import { ZapError } from '../../helper/protocol/errors';
import type { HelperClient } from '../helper-client/client';
import { Lookout, type Hosts } from './lookout';

const HISTORY_LINES = 10_000;
const MAX_HISTORY_BYTES = 16 << 20;

export type TerminalInfo = Output<'pod.terminals'>['terminals'][number];

export interface TerminalHistory {
  /** Lines with their colours, the last screen's included. */
  text: string;
  /** A full-screen program is on it, which scrolls by itself. */
  isAlternateScreen: boolean;
}

export async function listTerminals(hosts: Hosts, pod: string, signal: AbortSignal): Promise<TerminalInfo[]> {
  return (await (await clientOf(hosts, pod, signal)).call('pod.terminals', { pod }, { signal })).terminals;
}

export async function closeTerminal(hosts: Hosts, pod: string, window: string, signal: AbortSignal): Promise<void> {
  await (await clientOf(hosts, pod, signal)).call('pod.close-terminal', { pod, window }, { signal });
}

export async function terminalHistory(hosts: Hosts, pod: string, window: string, signal: AbortSignal): Promise<TerminalHistory> {
  const client = await clientOf(hosts, pod, signal);
  const call = client.start('pod.terminal-history', { pod, window, lines: HISTORY_LINES }, { signal });
  const lane = call.lane(0);
  lane.on('error', () => {}); // the call's own failure tells
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  const read = (async () => {
    for await (const chunk of lane as AsyncIterable<Buffer>) {
      sizeBytes += chunk.length;
      if (sizeBytes > MAX_HISTORY_BYTES) throw new ZapError('internal/protocol', `The helper on ${client.host} sent more lines than were asked for.`);
      chunks.push(chunk);
    }
  })();
  read.catch(() => {});
  const { isAlternateScreen } = await call.result;
  await read;
  return { text: Buffer.concat(chunks).toString(), isAlternateScreen };
}

async function clientOf(hosts: Hosts, pod: string, signal: AbortSignal): Promise<HelperClient> {
  const sighting = await new Lookout(hosts, pod, signal).look();
  if (sighting.kind === 'alive') return sighting.client;
  throw new ZapError('pod/wrong-state', 'The POD does not run on any host that answers, so its terminals cannot be asked.', { hint: 'Wait until it has arrived.', data: { pod } });
}
