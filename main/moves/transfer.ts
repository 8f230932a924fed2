/**
 * One transfer between two hosts: the target listens, the source is told where, and both see it through.
 *
 * The bytes go from host to host, under a one-time key that both get over their own connections. Where the hosts cannot reach each other, they go through
 * here: lane 0 of both calls, joined.
 */
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { EventOf, Input, Output, SendJob } from '../../helper/protocol/contract';
import { ZapError } from '../../helper/protocol/errors';
import type { HelperClient } from '../helper-client/client';

export type Progress = EventOf<'transfer.send'>;

export interface TransferOptions {
  signal?: AbortSignal | undefined;
  /** A bound on what is sent while no POD stands still. */
  maxBytesPerSecond?: number | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Called with its id when a transfer begins, and when the connection to one of its hosts was lost. */
  onTransfer?: ((id: string) => void) | undefined;
  onLost?: (() => void) | undefined;
  /** Called when the source is done, and its target may not have heard so. */
  onUnheard?: (() => void) | undefined;
  /** Called when the hosts cannot reach each other and the bytes go through this computer. */
  onRelay?: (() => void) | undefined;
}

export type Sent = Output<'transfer.send'>;

/** For the end that did not fail. */
const GRACE_MS = 30_000;
/** For the target, when the source was lost sight of: what is told of it is asked for anew. */
const LOST_GRACE_MS = 1_000;

type Peer = Input<'transfer.send'>['peer'];

export async function transfer(source: HelperClient, target: HelperClient, job: SendJob, options: TransferOptions): Promise<Sent> {
  try {
    return await attempt(source, target, job, options, false);
  } catch (error) {
    if (!(error instanceof ZapError) || error.code !== 'move/unreachable' || options.signal?.aborted) throw error;
    options.onRelay?.();
    return attempt(source, target, job, options, true);
  }
}

async function attempt(source: HelperClient, target: HelperClient, job: SendJob, options: TransferOptions, isRelayed: boolean): Promise<Sent> {
  const id = randomBytes(8).toString('hex');
  const key = randomBytes(32).toString('hex');
  options.onTransfer?.(id);
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;

  let heard!: (peer: Peer) => void;
  const listening = new Promise<Peer>((resolve) => (heard = resolve));
  const receive = target.start('transfer.receive', { transfer: id, key, relay: isRelayed }, {
    signal,
    // Its progress is the source's, seen from the other side.
    onEvent: (event) => {
      if ('listening' in event) heard(isRelayed ? 'relay' : event.listening);
    },
  });
  if (isRelayed) heard('relay');
  // A target that fails must not leave the source waiting, and the other way round; after the commit the hosts ignore this. When only our own connection
  // breaks, the hosts go on.
  const stopOther = (error: unknown): void => {
    if (isLost(error)) options.onLost?.();
    else stop.abort();
  };
  receive.result.catch(stopOther);
  const peer = await Promise.race([listening, receive.result.then(endedEarly)]);

  const limit = options.maxBytesPerSecond === undefined ? {} : { maxBytesPerSecond: options.maxBytesPerSecond };
  const send = source.start('transfer.send', { transfer: id, key, peer, job, ...limit }, { signal, onEvent: options.onProgress });
  send.result.catch(stopOther);
  if (isRelayed) join(send.lane(0), receive.lane(0));

  const [sent, received] = await bothSettled(send.result, receive.result);
  if (sent.status === 'fulfilled') {
    if (received.status === 'rejected') options.onUnheard?.();
    return sent.value; // the source speaks last: whatever else broke, the transfer is done
  }
  throw rootCause([sent, received], options.signal);
}

/** Both results; once one end has failed, the other has a while to undo its part. A target that we merely lost sight of lets the source take its time. */
async function bothSettled<A, B>(a: Promise<A>, b: Promise<B>): Promise<[PromiseSettledResult<A>, PromiseSettledResult<B>]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const start = (error: unknown): void => {
      if (isLost(error)) return;
      timer ??= setTimeout(() => reject(new ZapError('move/peer-lost', 'One end of the transfer failed, and the other does not come to an end.')), GRACE_MS);
    };
    // Nobody else tells how it went.
    a.catch((error: unknown) => void (isLost(error) && (timer ??= setTimeout(() => reject(error as Error), LOST_GRACE_MS))));
    a.catch(start);
    b.catch(start);
  });
  try {
    return await Promise.allSettled([Promise.race([a, late]), Promise.race([b, late])]);
  } finally {
    clearTimeout(timer);
  }
}

function isLost(error: unknown): boolean {
  return error instanceof ZapError && error.code === 'host/connection-lost';
}

function endedEarly(): never {
  throw new ZapError('move/failed', 'The target ended the transfer before it began.');
}

function join(a: Duplex, b: Duplex): void {
  // An end that breaks shows as the failure of its own call.
  pipeline(a, b).catch(() => b.destroy());
  pipeline(b, a).catch(() => a.destroy());
}

/** Of two failed ends one is the cause, and the other only says that its peer went away. */
function rootCause(results: PromiseSettledResult<unknown>[], userSignal: AbortSignal | undefined): ZapError {
  const errors = results.filter((result) => result.status === 'rejected').map((result) => ZapError.from(result.reason));
  const consequence = (error: ZapError): number => (error.code.startsWith('cancelled/') ? (userSignal?.aborted ? 0 : 3) : error.code === 'move/peer-lost' || error.code === 'move/channel-lost' ? 2 : error.code === 'move/unreachable' ? 1 : 0);
  return errors.sort((a, b) => consequence(a) - consequence(b))[0]!;
}
