/** One hop: reached, its key checked, logged in. ssh2 accepts every host key unless it is given a verifier: this always gives one. */
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Client, type ConnectConfig } from 'ssh2';
import { ZapError } from '../../helper/protocol/errors';
import { nobody, type Prompter } from '../prompts/prompter';
import { SessionKeyring, type Keyring } from '../secrets/keyring';
import { Deadline } from './deadline';
import { asSshError } from './failures';
import { Gate } from './gate';
import { hostKeyAlgorithms, refusalOf, type AcceptKey } from './host-key';
import { knownKeyTypes, type KnownHostLine } from './known-hosts';
import { Login } from './login';
import type { SshTarget } from './target';

export type SshStep = 'reach' | 'verify-key' | 'authenticate';

export interface SshOptions {
  /** The lines of known_hosts that count for a host. */
  knownHosts: (target: SshTarget) => Promise<readonly KnownHostLine[]>;
  acceptKey?: AcceptKey | undefined;
  prompter?: Prompter | undefined;
  keyring?: Keyring | undefined;
  /** What is being done, for people. */
  onNote?: ((text: string) => void) | undefined;
  /** What begins now, at each hop. */
  onStep?: ((step: SshStep) => void) | undefined;
  signal?: AbortSignal | undefined;
  /** For each hop; the time in which a person is asked does not count. */
  connectTimeoutMs?: number;
  /** A peer that says nothing is given up after this times three. */
  keepaliveIntervalMs?: number;
}

const handshakes = new Gate(2, 1_000);

const CONNECT_TIMEOUT_MS = 10_000;
const KEEPALIVE_INTERVAL_MS = 5_000;

/** `over` is a stream to the host's SSH port, where it is not reached from here. */
export async function connectHop(target: SshTarget, options: SshOptions, over?: Duplex): Promise<Client> {
  const timeoutMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
  const note = options.onNote ?? ((): void => {});
  let deadline: Deadline | undefined;
  const paused = <T>(act: () => Promise<T>): Promise<T> => (deadline ? deadline.pausedFor(act) : act());
  const prompter = pausing(options.prompter ?? nobody, paused);
  const login = await Login.prepare(target, { prompter, keyring: options.keyring ?? new SessionKeyring(), onNote: note, signal: options.signal });
  const lines = await options.knownHosts(target);
  const client = new Client();
  let refusal: ZapError | undefined;
  let onAbort: (() => void) | undefined;
  let socket: Socket | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = (error: ZapError): void => {
        reject(refusal ?? error);
        client.destroy();
        (over ?? socket)?.destroy();
      };
      if (options.signal?.aborted) return fail(cancelled(target));
      onAbort = (): void => fail(cancelled(target));
      options.signal?.addEventListener('abort', onAbort, { once: true });
      deadline = new Deadline(timeoutMs, () => fail(asSshError(Object.assign(new Error('timed out'), { level: 'client-timeout' }), target, timeoutMs)));
      client.once('ready', () => resolve());
      // Stays for the client's life: an 'error' that nobody hears ends the process. What was lost shows as the end of the channels.
      client.on('error', (error: Error & { level?: string }) => {
        if (error.level === 'agent') return note(`${target.name}: ${error.message}`); // the next key is tried
        const isLoginOver = error.level === 'client-authentication' || /too many authentication failures/i.test(error.message);
        fail(isLoginOver ? login.failure(error) : asSshError(error, target, timeoutMs));
      });
      client.on('change password', () => fail(new ZapError('host/password-expired', `${target.name} wants a new password for "${target.user}".`, { hint: 'Log in there with ssh and change it.' })));
      client.once('close', () => fail(lostEarly(target)));
      const config: ConnectConfig = {
        username: target.user,
        readyTimeout: 0, // the deadline's task
        keepaliveInterval: options.keepaliveIntervalMs ?? KEEPALIVE_INTERVAL_MS,
        keepaliveCountMax: 3,
        algorithms: { serverHostKey: { prepend: hostKeyAlgorithms(knownKeyTypes(lines, target)), append: [], remove: [] } },
        hostVerifier: (key: Buffer, verify: (isTrusted: boolean) => void) => {
          const accept = options.acceptKey && ((unknown: Parameters<AcceptKey>[0]) => paused(() => options.acceptKey!(unknown)));
          const decide = async (): Promise<void> => {
            refusal = await refusalOf(lines, target, key, accept);
            if (!refusal) options.onStep?.('authenticate');
            verify(refusal === undefined);
          };
          decide().catch((error: unknown) => fail(ZapError.from(error)));
        },
        authHandler: (left, isPartial, next) => {
          const tryNext = async (): Promise<void> => next(((await login.next(left, isPartial)) ?? false) as Parameters<typeof next>[0]);
          tryNext().catch((error: unknown) => fail(ZapError.from(error)));
        },
      };
      const shakeHands = async (sock: Duplex): Promise<void> => {
        const leave = await handshakes.enter();
        client.once('handshake', leave).once('close', leave);
        options.onStep?.('verify-key');
        try {
          if (!sock.destroyed) return void client.connect({ ...config, sock });
          leave();
          fail(lostEarly(target)); // unless it was refused or cancelled meanwhile
        } catch (error) {
          leave();
          fail(ZapError.from(error));
        }
      };
      if (over) return void shakeHands(over);
      options.onStep?.('reach');
      socket = connect({ host: target.address, port: target.port, noDelay: true });
      socket.once('connect', () => void shakeHands(socket!));
      socket.on('error', (error) => fail(asSshError(error, target, timeoutMs)));
    });
    await login.succeeded();
    return client;
  } finally {
    (deadline as Deadline | undefined)?.clear();
    if (onAbort) options.signal?.removeEventListener('abort', onAbort);
  }
}

function lostEarly(target: SshTarget): ZapError {
  return new ZapError('host/connection-lost', `${target.name} closed the connection before the login was complete.`, { data: { host: target.name } });
}

function cancelled(target: SshTarget): ZapError {
  return new ZapError('cancelled/by-user', `Cancelled while connecting to ${target.name}.`);
}

function pausing(prompter: Prompter, paused: <T>(act: () => Promise<T>) => Promise<T>): Prompter {
  return {
    canAsk: prompter.canAsk,
    confirm: (question) => paused(() => prompter.confirm(question)),
    secret: (question) => paused(() => prompter.secret(question)),
    text: (question) => paused(() => prompter.text(question)),
  };
}
