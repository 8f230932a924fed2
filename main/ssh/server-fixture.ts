/** An SSH server in this process that does as a test tells it, and keys to log in with. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, utils, type AuthContext, type Connection, type ParsedKey, type Session } from 'ssh2';
import type { Prompter } from '../prompts/prompter';
import { formatKnownHost, parseKnownHosts, type KnownHostLine } from './known-hosts';
import type { SshTarget } from './target';

export const passphrase = 'open sesame';

/** Private keys in files: `plain`, `rsa`, `ecdsa`, `locked` (with its .pub), `bare` (locked, without), `other`, and the servers' `host`, `host2`. */
export class Keys implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'zap-ssh-keys-'));

  constructor() {
    for (const [name, type, words] of [['plain', 'ed25519', ''], ['rsa', 'rsa', ''], ['ecdsa', 'ecdsa', ''], ['locked', 'ed25519', passphrase], ['bare', 'rsa', passphrase], ['other', 'ed25519', ''], ['host', 'ed25519', ''], ['host2', 'ed25519', '']] as const) {
      execFileSync('ssh-keygen', ['-q', '-t', type, '-N', words, '-C', name, '-f', this.path(name)]);
    }
    this.bare = this.publicKey('bare');
    rmSync(`${this.path('bare')}.pub`);
  }

  private readonly bare: ParsedKey;

  path(name: string): string {
    return join(this.directory, name);
  }

  publicKey(name: string): ParsedKey {
    return name === 'bare' && this.bare ? this.bare : (utils.parseKey(readFileSync(`${this.path(name)}.pub`)) as ParsedKey);
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export interface ServerOptions {
  hostKey?: string;
  /** Decides about each attempt; the fixture has checked signatures. Returns what is left when it is refused, or taken but not enough. */
  onAuth?: (context: AuthContext, attempt: { keyIs: (name: string) => boolean }) => 'accept' | { left: AuthContext['method'][]; isPartial?: boolean } | Promise<void>;
  onSession?: (session: Session) => void;
  onReady?: (connection: Connection) => void;
  /** Connections elsewhere in a client's name. */
  forwards?: boolean;
  banner?: string;
}

export interface RunningServer {
  port: number;
  attempts: string[];
  close(): void;
}

export async function startServer(keys: Keys, options: ServerOptions = {}): Promise<RunningServer> {
  const open = new Set<Connection>();
  const attempts: string[] = [];
  const server = new Server({ hostKeys: [readFileSync(keys.path(options.hostKey ?? 'host'))], ...(options.banner === undefined ? {} : { banner: options.banner }) }, (connection) => {
    open.add(connection);
    connection.on('error', () => {});
    connection.on('close', () => open.delete(connection));
    connection.on('authentication', (context) => {
      attempts.push(context.method);
      const keyIs = (name: string): boolean => context.method === 'publickey' && context.key.data.equals(keys.publicKey(name).getPublicSSH());
      const isForged = context.method === 'publickey' && context.signature && !(utils.parseKey(`${context.key.algo} ${context.key.data.toString('base64')}`) as ParsedKey).verify(context.blob!, context.signature, context.hashAlgo);
      const verdict = isForged ? { left: [] } : (options.onAuth?.(context, { keyIs }) ?? (keyIs('plain') ? 'accept' : { left: ['publickey' as const] }));
      if (verdict === 'accept') context.accept();
      else if (!(verdict instanceof Promise)) context.reject(verdict.left, verdict.isPartial ?? false);
    });
    connection.on('ready', () => options.onReady?.(connection));
    connection.on('session', (accept) => {
      const session = accept();
      if (options.onSession) return options.onSession(session);
      session.on('exec', (acceptExec, _reject, { command }) => {
        const channel = acceptExec();
        channel.write(command);
        channel.exit(0);
        channel.end();
      });
    });
    connection.on('tcpip', (accept, reject, { destIP, destPort }) => {
      if (!options.forwards) return reject();
      const socket = connect({ host: destIP, port: destPort });
      socket.once('error', () => reject());
      socket.once('connect', () => {
        const channel = accept();
        channel.on('error', () => {});
        socket.on('error', () => {});
        channel.pipe(socket).pipe(channel);
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    attempts,
    close: () => {
      for (const connection of open) connection.end();
      server.close();
    },
  };
}

export function targetAt(port: number, change: Partial<SshTarget> = {}): SshTarget {
  return { name: 'alpha', address: '127.0.0.1', port, user: 'zap', identityFiles: [], identityAgent: 'none', ...change };
}

/** Knows the servers at these ports by their host keys. */
export function knowing(keys: Keys, servers: Record<number, string>): () => Promise<KnownHostLine[]> {
  const text = Object.entries(servers).map(([port, name]) => formatKnownHost({ address: '127.0.0.1', port: Number(port) }, keys.publicKey(name).getPublicSSH())).join('\n');
  return async () => parseKnownHosts(text, 'known_hosts');
}

/** A person who gives these answers, one to each question. */
export function person(...answers: (string | boolean | undefined)[]): Prompter & { questions: string[] } {
  const questions: string[] = [];
  const answer = async (question: string): Promise<string | undefined> => {
    questions.push(question);
    return answers.shift() as string | undefined;
  };
  return {
    canAsk: true,
    questions,
    confirm: async ({ lines, question }) => ((await answer([...lines, question].join('\n'))) as unknown) === true,
    secret: ({ question }) => answer(question),
    text: ({ question }) => answer(question),
  };
}
