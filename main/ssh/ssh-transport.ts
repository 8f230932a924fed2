/**
 * A host reached over SSH, by ssh2. ssh2 accepts every host key unless it is given a verifier: this file is its only importer and always gives one.
 */
import { Client, type ClientChannel, type ConnectConfig, type ServerHostKeyAlgorithm, type SFTPWrapper } from 'ssh2';
import { ZapError } from '../../helper/protocol/errors';
import { authMethods } from './auth';
import { asSshError } from './failures';
import { fingerprint, keyTypeOf, knownKeyTypes, verifyHostKey, type KnownHostLine, type Verdict } from './known-hosts';
import { shellQuote } from './quote';
import type { SshTarget } from './target';
import type { RemoteProcess, Transport, UploadOptions } from './transport';

export interface SshOptions {
  knownHosts: readonly KnownHostLine[];
  signal?: AbortSignal | undefined;
  connectTimeoutMs?: number;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** A dead peer is noticed after this times three. */
const KEEPALIVE_INTERVAL_MS = 5_000;

export async function openSsh(target: SshTarget, options: SshOptions): Promise<Transport> {
  const auth = await authMethods(target);
  let refusal: ZapError | undefined;
  const client = await connect(target, options, {
    authHandler: auth,
    hostVerifier: (key: Buffer) => {
      refusal = refusalOf(verifyHostKey(options.knownHosts, target.address, target.port, key), target, key);
      return refusal === undefined;
    },
  }).catch((error: unknown) => {
    throw refusal ?? error;
  });
  return new SshTransport(client, target);
}

/** The key a host presents, without logging in. */
export async function scanHostKey(target: SshTarget, options: { signal?: AbortSignal | undefined; connectTimeoutMs?: number } = {}): Promise<Buffer> {
  let seen: Buffer | undefined;
  try {
    const client = await connect(target, { ...options, knownHosts: [] }, {
      authHandler: [],
      hostVerifier: (key: Buffer) => {
        seen = key;
        return false;
      },
    });
    client.end();
  } catch (error) {
    if (!seen) throw error;
  }
  if (!seen) throw new ZapError('host/handshake-failed', `${target.name} did not present a host key.`);
  return seen;
}

async function connect(target: SshTarget, options: SshOptions, config: ConnectConfig): Promise<Client> {
  const client = new Client();
  const timeoutMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
  return await new Promise<Client>((resolve, reject) => {
    const onAbort = (): void => {
      client.destroy();
      reject(new ZapError('cancelled/by-user', `Cancelled while connecting to ${target.name}.`));
    };
    if (options.signal?.aborted) return onAbort();
    options.signal?.addEventListener('abort', onAbort, { once: true });
    const settle = (act: () => void): void => {
      options.signal?.removeEventListener('abort', onAbort);
      act();
    };
    client.once('ready', () => settle(() => resolve(client)));
    // Stays for the client's life: an 'error' that nobody hears ends the process. What was lost shows as the end of the channels.
    client.on('error', (error) => settle(() => reject(asSshError(error, target, timeoutMs))));
    client.once('close', () => settle(() => reject(new ZapError('host/connection-lost', `${target.name} closed the connection before the login was complete.`))));
    client.connect({
      host: target.address,
      port: target.port,
      username: target.user,
      readyTimeout: timeoutMs,
      keepaliveInterval: KEEPALIVE_INTERVAL_MS,
      algorithms: { serverHostKey: { prepend: hostKeyAlgorithms(knownKeyTypes(options.knownHosts, target.address, target.port)), append: [], remove: [] } },
      ...config,
    });
  });
}

class SshTransport implements Transport {
  constructor(
    private readonly client: Client,
    private readonly target: SshTarget,
  ) {}

  exec(argv: readonly string[]): Promise<RemoteProcess> {
    return new Promise((resolve, reject) => {
      try {
        this.client.exec(shellQuote(argv), (error, channel) => {
          if (error) reject(this.lost(error));
          else resolve(asProcess(channel)); // in this turn: a short program's end may stand in the same packet
        });
      } catch (error) {
        reject(this.lost(error as Error)); // ssh2 throws when the connection is gone already
      }
    });
  }

  async upload(localPath: string, remotePath: string, options: UploadOptions = {}): Promise<void> {
    const sftp = await this.openSftp();
    const abort = (): void => sftp.end();
    options.signal?.addEventListener('abort', abort, { once: true });
    try {
      await new Promise<void>((resolve, reject) => {
        sftp.once('close', () => reject(options.signal?.aborted ? new ZapError('cancelled/by-user', 'Cancelled.') : this.lost(new Error('the SFTP channel closed'))));
        const step = (bytes: number, _chunk: number, totalBytes: number): void => options.onBytes?.(bytes, totalBytes);
        sftp.fastPut(localPath, remotePath, { mode: 0o600, step }, (error) => (error ? reject(error) : resolve()));
      });
    } finally {
      options.signal?.removeEventListener('abort', abort);
      sftp.end();
    }
  }

  close(): void {
    this.client.end();
  }

  private openSftp(): Promise<SFTPWrapper> {
    return new Promise((resolve, reject) => {
      try {
        this.client.sftp((error, opened) => (error ? reject(this.lost(error)) : resolve(opened)));
      } catch (error) {
        reject(this.lost(error as Error));
      }
    });
  }

  private lost(error: Error): ZapError {
    return new ZapError('host/connection-lost', `The connection to ${this.target.name} ended.`, { cause: error });
  }
}

function asProcess(channel: ClientChannel): RemoteProcess {
  const exit = new Promise<number | null>((resolve) => {
    let status: number | null = null;
    channel.once('exit', (code: number | null) => (status = code));
    channel.once('close', () => resolve(status));
  });
  return { stdin: channel, stdout: channel, stderr: channel.stderr, exit };
}

function refusalOf(verdict: Verdict, target: SshTarget, key: Buffer): ZapError | undefined {
  const where = `${target.user}@${target.address}${target.port === 22 ? '' : `:${target.port}`}`;
  const presented = `${keyTypeOf(key)} ${fingerprint(key)}`;
  const data = { fingerprint: fingerprint(key), keyType: keyTypeOf(key), address: target.address, port: target.port };
  switch (verdict.kind) {
    case 'trusted':
      return undefined;
    case 'unknown':
      return new ZapError('host/key-unknown', `The key of ${target.name} (${target.address}) is not known yet. It presents ${presented}.`, {
        hint: `Compare it with the host's own key, then run \`zap host add ${target.name} ${where} --accept-key ${fingerprint(key)}\`.`,
        data,
      });
    case 'mismatch':
      return new ZapError('host/key-mismatch', `${target.name} (${target.address}) presents another key than the one known for it: ${presented} instead of ${verdict.knownFingerprint}.`, {
        hint: `Somebody may be between you and the host, or it was installed anew. If you know that the new key is right, remove line ${verdict.line} of ${verdict.file} first.`,
        data: { ...data, file: verdict.file, line: verdict.line },
      });
    case 'revoked':
      return new ZapError('host/key-revoked', `The key of ${target.name} (${presented}) is marked as revoked.`, { hint: `See line ${verdict.line} of ${verdict.file}.`, data });
  }
}

function hostKeyAlgorithms(keyTypes: readonly string[]): ServerHostKeyAlgorithm[] {
  const supported = new Set(['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521']);
  return keyTypes.flatMap((type) => (type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : supported.has(type) ? [type] : [])) as ServerHostKeyAlgorithm[];
}
