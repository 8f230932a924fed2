/** The two calls that make a transfer: one end listens, the other connects. */
import type { Duplex } from 'node:stream';
import { ZapError } from '../protocol/errors';
import type { EventOf, Input, Output } from '../protocol/contract';
import type { Progress } from '../protocol/model';
import type { EnvironmentStore } from '../files/environments';
import { hostAddresses } from '../network/uplink';
import { findRecord, type Caller } from '../pod/record';
import type { Channel } from './channel';
import { offerEnvironment } from './environment';
import { takeUpAgain } from './recover';
import { answerUnheard } from './recover-target';
import { ChannelListener, connectChannel, secureClient, secureServer } from './secure-channel';
import { sendPod } from './source';
import { receiveTransfer } from './target';
import { untilAborted } from './verdict';

const acceptTimeoutMs = 60_000;

export interface TransferContext {
  caller: Caller;
  environments: EnvironmentStore;
  signal: AbortSignal;
  /** Lane 0 of the call: the channel's bytes when they go through the desktop. */
  relay: () => Duplex;
}

export async function receive(request: Input<'transfer.receive'>, context: TransferContext, event: (event: EventOf<'transfer.receive'>) => void): Promise<Output<'transfer.receive'>> {
  const received = await receiveOnce(request, context, event).catch((error: unknown) => {
    void takeUpAgain(request.transfer, context.environments);
    throw error;
  });
  void answerUnheard(request.transfer, context.environments).catch(() => {}); // the next helper tries again
  return received;
}

async function receiveOnce(request: Input<'transfer.receive'>, context: TransferContext, event: (event: EventOf<'transfer.receive'>) => void): Promise<Output<'transfer.receive'>> {
  const key = Buffer.from(request.key, 'hex');
  const common = { caller: context.caller, transfer: request.transfer, key: request.key, environments: context.environments, signal: context.signal, progress: event };
  if (request.relay) {
    const channel = await secureServer(context.relay(), key, request.transfer);
    return { pod: await receiveTransfer(channel, { ...common, port: null, nextChannel: untilAborted }) };
  }
  using listener = await ChannelListener.listen(key, request.transfer);
  event({ listening: { addresses: (await hostAddresses()).slice(0, 16), port: listener.port } });
  const timeout = AbortSignal.timeout(acceptTimeoutMs);
  const channel = await listener.accept(AbortSignal.any([context.signal, timeout])).catch((error: unknown) => {
    if (timeout.aborted) throw new ZapError('move/nobody-came', `The source did not connect within ${acceptTimeoutMs / 1000} s.`);
    throw error;
  });
  return { pod: await receiveTransfer(channel, { ...common, port: listener.port, nextChannel: (signal) => listener.accept(signal) }) };
}

export async function send(request: Input<'transfer.send'>, context: TransferContext, progress: (progress: Progress) => void): Promise<Output<'transfer.send'>> {
  const key = Buffer.from(request.key, 'hex');
  const { job, peer, transfer, maxBytesPerSecond } = request;
  const open = (signal?: AbortSignal): Promise<Channel> => {
    if (peer === 'relay') throw new ZapError('move/channel-lost', 'The data channel through the desktop was cut.');
    return connectChannel(peer, key, transfer, signal);
  };
  const record = job.kind === 'environment' ? undefined : findRecord(job.pod, context.caller); // before the other host is bothered
  const channel = peer === 'relay' ? await secureClient(context.relay(), key, transfer) : await open(context.signal);
  if (maxBytesPerSecond !== undefined) channel.limit(maxBytesPerSecond);
  if (job.kind === 'environment') {
    return { kind: 'environment', ...(await offerEnvironment(job.environment, channel, { ...context, progress })) };
  }
  const result = await sendPod(record!, job, channel, {
    environments: context.environments,
    signal: context.signal,
    progress,
    reconnect: () => open(),
    journal: { role: 'source', version: 1, transfer, pod: record!.id, phase: 'open', peer, key: request.key },
  }).catch((error: unknown) => {
    void takeUpAgain(transfer, context.environments);
    throw error;
  });
  channel.close();
  return { kind: 'pod', result };
}
