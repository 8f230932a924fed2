/** A host reached over SSH, by ssh2: through as many other hosts as its target names, with many streams over the one connection. */
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import type { Client, ClientChannel, SFTPWrapper } from 'ssh2';
import { ZapError } from '../../helper/protocol/errors';
import { connectHop, type SshOptions } from './connection';
import { asChannelError } from './failures';
import { startProxy } from './proxy-command';
import { shellQuote } from './quote';
import { formatTarget, type SshTarget } from './target';
import { lastLines, type HostTerminal, type RemoteProcess, type TerminalOptions, type Transport, type UploadOptions } from './transport';

export type { SshOptions } from './connection';

export async function openSsh(target: SshTarget, options: SshOptions): Promise<Transport> {
  const clients: Client[] = [];
  const closeAll = (): void => {
    for (const client of [...clients].reverse()) client.end();
  };
  const chain = [...(target.jumps ?? []), target];
  const proxy = chain[0]!.proxyCommand === undefined ? undefined : startProxy(chain[0]!.name, chain[0]!.proxyCommand);
  try {
    let over: Duplex | undefined = proxy?.stream;
    for (const [index, hop] of chain.entries()) {
      if (chain.length > 1) options.onNote?.(`${target.name}: ${index + 1}/${chain.length} ${formatTarget(hop)}`);
      const client = await connectHop(hop, options, over);
      clients.push(client);
      const next = chain[index + 1];
      if (next) over = await dialFrom(client, hop, next.address, next.port);
    }
    return new SshTransport(clients.at(-1)!, target, closeAll);
  } catch (error) {
    closeAll();
    const proxyFailure = clients.length === 0 ? await proxy?.failure(error) : undefined;
    proxy?.stream.destroy();
    if (options.signal?.aborted) throw new ZapError('cancelled/by-user', `Cancelled while connecting to ${target.name}.`, { cause: error });
    throw proxyFailure ?? error;
  }
}

/** The host asked to connect elsewhere in our name. */
function dialFrom(client: Client, from: SshTarget, address: string, port: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    client.forwardOut('127.0.0.1', 0, address, port, (error, channel) => {
      if (error) reject(asChannelError(error, from, `${address}:${port}`));
      else resolve(channel);
    });
  });
}

class SshTransport implements Transport {
  constructor(
    private readonly client: Client,
    private readonly target: SshTarget,
    private readonly closeAll: () => void,
  ) {}

  exec(argv: readonly string[]): Promise<RemoteProcess> {
    return new Promise((resolve, reject) => {
      try {
        this.client.exec(shellQuote(argv), (error, channel) => {
          if (error) reject(asChannelError(error, this.target));
          else resolve(asProcess(channel)); // in this turn: a short program's end may stand in the same packet
        });
      } catch (error) {
        reject(this.lost(error as Error)); // ssh2 throws when the connection is gone already
      }
    });
  }

  openTerminal({ columns, rows, term }: TerminalOptions): Promise<HostTerminal> {
    return new Promise((resolve, reject) => {
      try {
        this.client.shell({ term, cols: columns, rows, width: 0, height: 0 }, (error, channel) => {
          if (error) return reject(asChannelError(error, this.target));
          channel.on('error', () => {}); // told by its end
          channel.stderr.resume(); // of a terminal there is none
          const { exit } = asProcess(channel);
          resolve({ stream: channel, resize: (size) => void channel.setWindow(size.rows, size.columns, 0, 0), exit });
        });
      } catch (error) {
        reject(this.lost(error as Error));
      }
    });
  }

  async dial(address: string, port: number): Promise<Duplex> {
    try {
      return await dialFrom(this.client, this.target, address, port);
    } catch (error) {
      throw error instanceof ZapError ? error : this.lost(error as Error);
    }
  }

  async upload(localPath: string, remotePath: string, options: UploadOptions = {}): Promise<void> {
    const sftp = await this.openSftp();
    if (sftp) await this.uploadBySftp(sftp, localPath, remotePath, options);
    else await this.uploadByStream(localPath, remotePath, options);
  }

  close(): void {
    this.closeAll();
  }

  private async uploadBySftp(sftp: SFTPWrapper, localPath: string, remotePath: string, options: UploadOptions): Promise<void> {
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

  /** For servers without SFTP. */
  private async uploadByStream(localPath: string, remotePath: string, { signal, onBytes }: UploadOptions): Promise<void> {
    if (signal?.aborted) throw new ZapError('cancelled/by-user', 'Cancelled.');
    const { size } = await stat(localPath);
    const child = await this.exec(['sh', '-c', 'umask 077; exec cat >"$1"', 'zap', remotePath]);
    let said = '';
    let hasEnded = false;
    const ended = child.exit.finally(() => (hasEnded = true));
    child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4096)));
    child.stdout.resume();
    child.stdin.on('error', () => {}); // its exit status and what it says tell more
    let sentBytes = 0;
    for await (const chunk of createReadStream(localPath, { highWaterMark: 256 << 10 }) as AsyncIterable<Buffer>) {
      if (hasEnded || signal?.aborted) break;
      if (!child.stdin.write(chunk)) await Promise.race([once(child.stdin, 'drain', signal ? { signal } : {}).catch(() => {}), ended]);
      onBytes?.((sentBytes += chunk.length), size);
    }
    child.stdin.end();
    const status = await ended;
    if (signal?.aborted) throw new ZapError('cancelled/by-user', 'Cancelled.');
    if (status === 0) return;
    if (status === null && said.trim() === '') throw this.lost(new Error('the stream ended'));
    throw new Error(lastLines(said).at(-1) ?? `"cat" ended with status ${String(status)}`);
  }

  /** Undefined where the server has no SFTP. */
  private openSftp(): Promise<SFTPWrapper | undefined> {
    return new Promise((resolve, reject) => {
      try {
        this.client.sftp((error, opened) => {
          if (!error) return resolve(opened);
          const refusal = asChannelError(error, this.target);
          const isWithoutSftp = refusal.code === 'host/request-refused' || /subsystem|sftp|exit|unexpected/i.test(error.message);
          if (isWithoutSftp) resolve(undefined);
          else reject(refusal);
        });
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
