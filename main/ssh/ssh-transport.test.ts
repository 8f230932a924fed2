import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, utils, type Connection as ServerConnection, type ParsedKey } from 'ssh2';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { formatKnownHost, parseKnownHosts } from './known-hosts';
import { openSsh } from './ssh-transport';
import type { SshTarget } from './target';
import { capture } from './transport';

let directory: string;
let hostKey: Buffer;
let hostBlob: Buffer;
let publicKeys: Record<'client' | 'locked', ParsedKey>;
const closers: (() => void)[] = [];

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'zap-ssh-'));
  for (const [name, passphrase] of [['host', ''], ['client', ''], ['locked', 'secret']] as const) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-f', join(directory, name)]);
  }
  hostKey = readFileSync(join(directory, 'host'));
  hostBlob = (utils.parseKey(hostKey) as ParsedKey).getPublicSSH();
  const publicKey = (name: string): ParsedKey => utils.parseKey(readFileSync(join(directory, `${name}.pub`))) as ParsedKey;
  publicKeys = { client: publicKey('client'), locked: publicKey('locked') };
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

afterEach(() => {
  vi.unstubAllEnvs();
  for (const close of closers.splice(0)) close();
});

interface ServerOptions {
  refusesEverybody?: boolean;
  /** Whose public key it lets in. */
  accepts?: 'client' | 'locked';
  onSession?: (command: string) => { status: number; stdout: string; stderr: string };
  onReady?: (connection: ServerConnection) => void;
}

async function serve(options: ServerOptions = {}): Promise<SshTarget> {
  const open = new Set<ServerConnection>();
  const server = new Server({ hostKeys: [hostKey] }, (connection) => {
    open.add(connection);
    connection.on('error', () => {});
    connection.on('close', () => open.delete(connection));
    connection.on('authentication', (context) => {
      const isClient = context.method === 'publickey' && context.key.data.equals(publicKeys[options.accepts ?? 'client'].getPublicSSH());
      if (isClient && !options.refusesEverybody) context.accept();
      else context.reject(['publickey']);
    });
    connection.on('ready', () => options.onReady?.(connection));
    connection.on('session', (accept) => {
      accept().on('exec', (acceptExec, _reject, { command }) => {
        const channel = acceptExec();
        const answer = options.onSession?.(command) ?? { status: 0, stdout: command, stderr: '' };
        channel.stderr.write(answer.stderr);
        channel.write(answer.stdout);
        channel.exit(answer.status);
        channel.end();
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    for (const connection of open) connection.end();
    server.close();
  });
  return target((server.address() as AddressInfo).port);
}

function target(port: number): SshTarget {
  return { name: 'alpha', address: '127.0.0.1', port, user: 'zap', identityFile: join(directory, 'client') };
}

function known(port: number, blob = hostBlob) {
  const lines = parseKnownHosts(formatKnownHost({ address: '127.0.0.1', port }, blob), 'known_hosts');
  return async () => lines;
}

describe('openSsh', () => {
  it('brings arguments over and results back', async () => {
    const where = await serve({ onSession: (command) => ({ status: 3, stdout: command, stderr: 'oh' }) });
    const transport = await openSsh(where, { knownHosts: known(where.port) });
    expect(await capture(transport, ['echo', "it's", '$HOME;', 'a b'])).toEqual({ status: 3, stdout: `echo 'it'\\''s' '$HOME;' 'a b'`, stderr: 'oh' });
    transport.close();
  });

  it('refuses a host that nobody has vouched for, and says what it presents', async () => {
    const where = await serve();
    await expect(openSsh(where, { knownHosts: async () => [] })).rejects.toMatchObject({ code: 'host/key-unknown', hint: expect.stringContaining('--accept-key SHA256:') });
  });

  it('refuses another key than the known one', async () => {
    const where = await serve();
    const other = Buffer.from(hostBlob);
    other[other.length - 1]! ^= 1;
    await expect(openSsh(where, { knownHosts: known(where.port, other) })).rejects.toMatchObject({ code: 'host/key-mismatch', hint: expect.stringContaining('line 1 of known_hosts') });
  });

  it('refuses a revoked key', async () => {
    const where = await serve();
    const lines = parseKnownHosts(`${formatKnownHost({ address: '127.0.0.1', port: where.port }, hostBlob)}\n@revoked * ssh-ed25519 ${hostBlob.toString('base64')}`, 'known_hosts');
    await expect(openSsh(where, { knownHosts: async () => lines })).rejects.toMatchObject({ code: 'host/key-revoked' });
  });

  it('says that the keys at hand do not let it in', async () => {
    vi.stubEnv('SSH_AUTH_SOCK', undefined);
    const where = await serve({ refusesEverybody: true });
    await expect(openSsh(where, { knownHosts: known(where.port) })).rejects.toMatchObject({ code: 'host/auth-failed', hint: expect.stringContaining(join(directory, 'client')) });
  });

  it.each([
    ['missing', 'absent', 'host/identity-unreadable'],
    ['no key', 'text', 'host/identity-unreadable'],
  ])('tells an identity file that is %s', async (_name, file, code) => {
    vi.stubEnv('SSH_AUTH_SOCK', undefined);
    writeFileSync(join(directory, 'text'), 'hello');
    await expect(openSsh({ ...target(1), identityFile: join(directory, file) }, { knownHosts: async () => [] })).rejects.toMatchObject({ code });
  });

  it('tells a key that stays locked', async () => {
    vi.stubEnv('SSH_AUTH_SOCK', undefined);
    const where = { ...(await serve({ accepts: 'locked' })), identityFile: join(directory, 'locked') };
    await expect(openSsh(where, { knownHosts: known(where.port) })).rejects.toMatchObject({ code: 'host/identity-locked', message: expect.stringContaining('locked') });
  });

  it('tells a closed port', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    await expect(openSsh(target(port), { knownHosts: async () => [] })).rejects.toMatchObject({ code: 'host/refused' });
  });

  it.each([
    ['says nothing', () => {}, 'host/timeout'],
    ['hangs up', (socket: import('node:net').Socket) => void socket.end(), 'host/connection-lost'],
    ['speaks something else', (socket: import('node:net').Socket) => void socket.write('SSH-1.5-old\r\n'), 'host/connection-failed'],
  ])('tells a server that %s', async (_name, onConnection, code) => {
    const sockets = new Set<import('node:net').Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      onConnection(socket);
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    closers.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    await expect(openSsh(target((server.address() as AddressInfo).port), { knownHosts: async () => [], connectTimeoutMs: 300 })).rejects.toMatchObject({ code });
  });

  it('tells a name that does not exist', async () => {
    await expect(openSsh({ ...target(22), address: 'no-such-host.invalid' }, { knownHosts: async () => [] })).rejects.toMatchObject({ code: 'host/name-not-found' });
  });

  it('can be cancelled while it connects', async () => {
    const server = createServer(() => {}).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    closers.push(() => void server.close());
    const stop = new AbortController();
    const opening = openSsh(target((server.address() as AddressInfo).port), { knownHosts: async () => [], signal: stop.signal });
    setTimeout(() => stop.abort(), 20);
    await expect(opening).rejects.toMatchObject({ code: 'cancelled/by-user' });
  });

  it('does not end the program when the host goes away', async () => {
    const where = await serve({ onReady: (connection) => setTimeout(() => connection.end(), 20) });
    const transport = await openSsh(where, { knownHosts: known(where.port) });
    await new Promise((resolve) => setTimeout(resolve, 80));
    await expect(transport.exec(['true'])).rejects.toMatchObject({ code: 'host/connection-lost' });
  });
});
