/**
 * How two hosts come to a channel: over TCP or through the desktop, under TLS 1.3 with a one-time key.
 *
 * The key was handed to both hosts over their own authenticated connections; without it there is no channel.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, TLSSocket, createSecureContext } from 'node:tls';
import { ZapError } from '../protocol/errors';
import { Channel } from './channel';

const connectTimeoutMs = 3000;
const maxConnections = 64;
const secureTimeoutMs = 10_000;

const psk = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256' } as const;

function secure(raw: Duplex, key: Buffer, transfer: string, role: 'client' | 'server'): Promise<Channel> {
  const late = setTimeout(() => raw.destroy(), secureTimeoutMs);
  const socket =
    role === 'client'
      ? connectTls({ ...psk, socket: raw, pskCallback: () => ({ psk: key, identity: transfer }), checkServerIdentity: () => undefined })
      : new TLSSocket(raw, { ...psk, isServer: true, secureContext: createSecureContext(psk), pskCallback: (_socket: TLSSocket, identity: string) => (identity === transfer ? key : null) } as ConstructorParameters<typeof TLSSocket>[1]);
  return new Promise<Channel>((resolve, reject) => {
    const refuse = (cause?: unknown): void => {
      raw.destroy();
      reject(new ZapError('move/channel-refused', 'The data channel could not be secured: the other end does not have this transfer\'s key.', { cause }));
    };
    socket.once(role === 'client' ? 'secureConnect' : 'secure', () => {
      socket.off('error', refuse).off('close', refuse);
      resolve(new Channel(socket));
    });
    socket.once('error', refuse).once('close', refuse);
  }).finally(() => clearTimeout(late));
}

/** The sending end: connects to the first address that answers. */
export async function connectChannel(peer: { addresses: readonly string[]; port: number }, key: Buffer, transfer: string, signal?: AbortSignal): Promise<Channel> {
  let last: unknown;
  for (const host of peer.addresses) {
    const socket = connect({ host, port: peer.port, noDelay: true });
    try {
      await once(socket, 'connect', { signal: AbortSignal.any([AbortSignal.timeout(connectTimeoutMs), ...(signal ? [signal] : [])]) });
      return await secure(socket, key, transfer, 'client');
    } catch (error) {
      socket.destroy();
      signal?.throwIfAborted();
      // That one address refuses tells more than that another one leads nowhere.
      if ((last as NodeJS.ErrnoException | undefined)?.code !== 'ECONNREFUSED') last = error;
      if (error instanceof ZapError) throw error;
    }
  }
  throw new ZapError('move/unreachable', `The other host cannot be reached directly (${peer.addresses.join(', ')}, port ${peer.port}).`, { hint: 'Allow connections between the hosts; meanwhile the data goes through this computer.', cause: last });
}

export function secureClient(raw: Duplex, key: Buffer, transfer: string): Promise<Channel> {
  return secure(raw, key, transfer, 'client');
}

export function secureServer(raw: Duplex, key: Buffer, transfer: string): Promise<Channel> {
  return secure(raw, key, transfer, 'server');
}

/** The receiving end: hands out every channel that proves it has the key; strangers are cut off after a moment. */
export class ChannelListener implements Disposable {
  private readonly ready: Channel[] = [];
  private waiting: ((channel: Channel) => void) | undefined;
  private isClosed = false;

  private constructor(private readonly server: Server) {}

  static async listen(key: Buffer, transfer: string, port = 0): Promise<ChannelListener> {
    const server = createServer({ noDelay: true });
    server.maxConnections = maxConnections; // strangers may knock, for a moment each
    const listener = new ChannelListener(server);
    server.on('connection', (socket: Socket) => {
      socket.on('error', () => {});
      const timer = setTimeout(() => socket.destroy(), connectTimeoutMs);
      secureServer(socket, key, transfer).then(
        (channel) => listener.arrived(channel),
        () => {},
      ).finally(() => clearTimeout(timer));
    });
    server.listen(port, '0.0.0.0');
    await once(server, 'listening');
    return listener;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async accept(signal: AbortSignal): Promise<Channel> {
    const channel = this.ready.shift();
    if (channel) return channel;
    return await new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.waiting = undefined;
        reject(signal.reason as Error);
      };
      if (signal.aborted) return onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      this.waiting = (arrived) => {
        signal.removeEventListener('abort', onAbort);
        resolve(arrived);
      };
    });
  }

  private arrived(channel: Channel): void {
    if (this.isClosed) return channel.destroy();
    if (this.waiting) {
      const resolve = this.waiting;
      this.waiting = undefined;
      resolve(channel);
    } else this.ready.push(channel);
  }

  /** Whoever nobody listens to any more hears so, and tries again. */
  [Symbol.dispose](): void {
    this.isClosed = true;
    for (const channel of this.ready.splice(0)) channel.destroy();
    this.server.close();
  }
}
