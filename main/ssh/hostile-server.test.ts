/** Servers that lie, change, break off or are poor in features. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Session } from 'ssh2';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseKnownHosts } from './known-hosts';
import { Keys, knowing, person, startServer, targetAt, type RunningServer, type ServerOptions } from './server-fixture';
import { openSsh } from './ssh-transport';
import type { SshTarget } from './target';
import { capture } from './transport';

let keys: Keys;
let directory: string;
const closers: (() => void)[] = [];

beforeAll(() => {
  keys = new Keys();
  directory = mkdtempSync(join(tmpdir(), 'zap-hostile-'));
});
afterAll(() => {
  keys[Symbol.dispose]();
  rmSync(directory, { recursive: true, force: true });
});
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function serve(options: ServerOptions = {}): Promise<RunningServer> {
  const server = await startServer(keys, options);
  closers.push(() => server.close());
  return server;
}

const alpha = (port: number, change: Partial<SshTarget> = {}): SshTarget => targetAt(port, { identityFiles: [keys.path('plain')], ...change });

/** A wire to the server that does something to what the server sends. */
async function wire(toPort: number, onChunk: (chunk: Buffer, socket: Socket, sent: number) => void): Promise<number> {
  const server = createServer((socket) => {
    const upstream = connect(toPort, '127.0.0.1');
    let sent = 0;
    socket.on('error', () => upstream.destroy()).on('close', () => upstream.destroy());
    upstream.on('error', () => socket.destroy()).on('close', () => socket.destroy());
    socket.pipe(upstream);
    upstream.on('data', (chunk: Buffer) => {
      onChunk(chunk, socket, sent);
      sent += chunk.length;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => void server.close());
  return (server.address() as AddressInfo).port;
}

describe('host keys', () => {
  it('asks about an unknown one with type and fingerprint; anything but yes is no', async () => {
    const server = await serve();
    for (const isAccepted of [true, false]) {
      const questions: string[] = [];
      const opening = openSsh(alpha(server.port), { knownHosts: async () => [], acceptKey: async ({ keyType, fingerprint }) => (questions.push(`${keyType} ${fingerprint}`), isAccepted) });
      if (isAccepted) (await opening).close();
      else await expect(opening).rejects.toMatchObject({ code: 'host/key-unknown' });
      expect(questions).toEqual([expect.stringMatching(/^ssh-ed25519 SHA256:/)]);
    }
  });

  it('is blocked by a key that changes between two connections, and nobody is asked', async () => {
    const first = await serve();
    const lines = knowing(keys, { [first.port]: 'host' });
    (await openSsh(alpha(first.port), { knownHosts: lines })).close();
    const second = await serve({ hostKey: 'host2' });
    const moved = alpha(second.port, { hostKeyAlias: `[127.0.0.1]:${first.port}` });
    let wasAsked = false;
    await expect(openSsh(moved, { knownHosts: lines, acceptKey: async () => (wasAsked = true) })).rejects.toMatchObject({ code: 'host/key-mismatch', data: { file: 'known_hosts', line: 1 } });
    expect(wasAsked).toBe(false);
    expect(second.attempts).toEqual([]); // nothing was said about us
  });

  it('does not take an authority for an unknown host', async () => {
    const server = await serve();
    const lines = parseKnownHosts(`@cert-authority * ssh-ed25519 ${keys.publicKey('other').getPublicSSH().toString('base64')}`, '/h/known_hosts');
    await expect(openSsh(alpha(server.port), { knownHosts: async () => lines, acceptKey: async () => true })).rejects.toMatchObject({ code: 'host/key-by-authority', hint: expect.stringContaining('Line 1 of /h/known_hosts') });
  });
});

describe('jump hosts', () => {
  it('goes through a chain, and checks the key of each hop', async () => {
    const inner = await serve({ hostKey: 'host2' });
    const middle = await serve({ forwards: true });
    const outer = await serve({ forwards: true });
    const jumps = [alpha(outer.port, { name: 'outer' }), alpha(middle.port, { name: 'middle' })];
    const all = { [outer.port]: 'host', [middle.port]: 'host', [inner.port]: 'host2' };
    const notes: string[] = [];
    const transport = await openSsh(alpha(inner.port, { jumps }), { knownHosts: knowing(keys, all), onNote: (text) => notes.push(text) });
    expect((await capture(transport, ['echo', 'hi'])).stdout).toBe('echo hi');
    transport.close();
    expect(notes.filter((text) => /\/3 /.test(text))).toHaveLength(3);

    for (const [port, code] of [[outer.port, 'host/key-unknown'], [middle.port, 'host/key-unknown'], [inner.port, 'host/key-unknown']] as const) {
      const { [port]: _left, ...others } = all;
      await expect(openSsh(alpha(inner.port, { jumps }), { knownHosts: knowing(keys, others) })).rejects.toMatchObject({ code, data: { port } });
    }
  });

  it('says which hop does not forward, or cannot reach the next', async () => {
    const outer = await serve({ forwards: false });
    const jumps = [alpha(outer.port, { name: 'outer' })];
    await expect(openSsh(alpha(1, { jumps }), { knownHosts: knowing(keys, { [outer.port]: 'host' }) })).rejects.toMatchObject({ code: 'host/refused', message: expect.stringContaining('A connection to 127.0.0.1:1 from outer was refused') });
  });
});

describe('a server that is', () => {
  it('slow, one byte at a time', async () => {
    const server = await serve();
    const port = await wire(server.port, (chunk, socket) => {
      for (const byte of chunk) socket.write(Buffer.of(byte));
    });
    const transport = await openSsh(alpha(port), { knownHosts: knowing(keys, { [port]: 'host' }) });
    expect((await capture(transport, ['echo', 'hi'])).stdout).toBe('echo hi');
    transport.close();
  });

  it('cut off after any number of bytes: one clean error', async () => {
    const server = await serve();
    for (let limit = 0; limit < 2600; limit += 130) {
      const port = await wire(server.port, (chunk, socket, sent) => {
        const room = Math.max(0, limit - sent);
        socket.write(chunk.subarray(0, room));
        if (chunk.length > room) socket.destroy();
      });
      const code = await openSsh(alpha(port), { knownHosts: knowing(keys, { [port]: 'host' }), connectTimeoutMs: 5000 })
        .then(async (transport) => {
          const { status } = await capture(transport, ['echo', 'hi']);
          transport.close();
          return status === null ? 'cut' : 'answered';
        })
        .catch((error: { code: string }) => error.code);
      expect(['answered', 'cut', 'host/connection-lost', 'host/handshake-failed', 'host/connection-failed']).toContain(code);
    }
  });

  it('silent in the middle of the handshake', async () => {
    const server = await serve();
    const port = await wire(server.port, (chunk, socket, sent) => void (sent === 0 && socket.write(chunk)));
    await expect(openSsh(alpha(port), { knownHosts: knowing(keys, { [port]: 'host' }), connectTimeoutMs: 300 })).rejects.toMatchObject({ code: 'host/timeout' });
  });

  it('mute after the login, over a connection that stays: what runs there ends, and nothing more is asked of it', async () => {
    const server = await serve({ onSession: (session) => void session.on('exec', (accept) => void accept()) });
    let isMute = false;
    const port = await wire(server.port, (chunk, socket) => void (isMute || socket.write(chunk)));
    const transport = await openSsh(alpha(port), { knownHosts: knowing(keys, { [port]: 'host' }), keepaliveIntervalMs: 100 });
    const running = await transport.exec(['cat']);
    running.stdout.resume();
    isMute = true;
    expect(await running.exit).toBeNull();
    await expect(transport.exec(['true'])).rejects.toMatchObject({ code: 'host/connection-lost' });
  });

  it('slow to answer, but there, is not given up', async () => {
    const server = await serve();
    let behind = Promise.resolve();
    const port = await wire(server.port, (chunk, socket) => {
      behind = behind.then(() => delay(20)).then(() => void socket.write(chunk));
    });
    const transport = await openSsh(alpha(port), { knownHosts: knowing(keys, { [port]: 'host' }), keepaliveIntervalMs: 50 });
    await delay(400);
    expect((await capture(transport, ['echo', 'hi'])).stdout).toBe('echo hi');
    transport.close();
  });

  it('talkative before the login', async () => {
    const server = await serve({ banner: 'Welcome!\x1b[2J\r\n'.repeat(200) });
    (await openSsh(alpha(server.port), { knownHosts: knowing(keys, { [server.port]: 'host' }) })).close();
  });

  it('stubborn', async () => {
    const server = await serve({ onAuth: () => ({ left: ['password'] }) });
    await expect(openSsh(alpha(server.port), { knownHosts: knowing(keys, { [server.port]: 'host' }), prompter: person('a', 'b', 'c') })).rejects.toMatchObject({ code: 'host/auth-failed' });
  });

  it('endless in its questions', async () => {
    const server = await serve({
      onAuth: (context) => {
        if (context.method !== 'keyboard-interactive') return { left: ['keyboard-interactive'] };
        return new Promise((resolve) => context.prompt([{ prompt: 'Again: ', echo: false }], () => resolve(context.reject(['keyboard-interactive'], true))));
      },
    });
    const prompter = person(...Array.from({ length: 99 }, () => 'x'));
    await expect(openSsh(alpha(server.port, { identityFiles: [] }), { knownHosts: knowing(keys, { [server.port]: 'host' }), prompter })).rejects.toMatchObject({ code: 'host/auth-failed' });
    expect(prompter.questions).toHaveLength(3);
  });
});

describe('uploads', () => {
  /** Runs what is asked for, and has no SFTP. */
  const shellOnly = (session: Session): void => {
    session.on('sftp', (_accept, reject) => reject());
    session.on('exec', (accept, _reject, { command }) => {
      const channel = accept();
      const child = spawn('sh', ['-c', command]);
      channel.pipe(child.stdin).on('error', () => {});
      child.stdout.pipe(channel, { end: false });
      child.stderr.on('data', (chunk: Buffer) => channel.stderr.write(chunk));
      child.on('close', (code) => {
        channel.exit(code ?? 1);
        channel.end();
      });
    });
  };

  it('goes through a stream where there is no SFTP', async () => {
    const server = await serve({ onSession: shellOnly });
    const transport = await openSsh(alpha(server.port), { knownHosts: knowing(keys, { [server.port]: 'host' }) });
    const [from, to] = [join(directory, 'from'), join(directory, "to 'here'")];
    writeFileSync(from, Buffer.alloc(3_000_001, 'zap '));
    let last = 0;
    await transport.upload(from, to, { onBytes: (bytes) => (last = bytes) });
    const digest = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
    expect(digest(to)).toBe(digest(from));
    expect(last).toBe(3_000_001);
    await expect(transport.upload(from, join(directory, 'absent/file'))).rejects.toThrow(/absent/);
    const stop = new AbortController();
    await expect(transport.upload(from, to, { signal: stop.signal, onBytes: () => stop.abort() })).rejects.toMatchObject({ code: 'cancelled/by-user' });
    transport.close();
  });

  it('opens many streams over one connection', async () => {
    const server = await serve();
    const transport = await openSsh(alpha(server.port), { knownHosts: knowing(keys, { [server.port]: 'host' }) });
    const outputs = await Promise.all(Array.from({ length: 20 }, (_, index) => capture(transport, ['echo', String(index)])));
    expect(outputs.map(({ stdout }) => stdout)).toEqual(Array.from({ length: 20 }, (_, index) => `echo ${index}`));
    transport.close();
  });
});

describe('a server that lets in and forbids', () => {
  it('programs, is told from one that is gone', async () => {
    const server = await serve({ onSession: (session) => void session.on('exec', (_accept, reject) => reject()) });
    const transport = await openSsh(alpha(server.port), { knownHosts: knowing(keys, { [server.port]: 'host' }) });
    await expect(transport.exec(['true'])).rejects.toMatchObject({ code: 'host/request-refused', message: expect.stringContaining('refuses to start programs') });
    transport.close();
  });

  it('an old password, is told by its own name', async () => {
    const server = await serve({
      onAuth: (context) => {
        if (context.method !== 'password') return { left: ['password'] };
        context.requestChange('A new one, please:', () => {});
        return new Promise(() => {});
      },
    });
    await expect(openSsh(alpha(server.port, { identityFiles: [] }), { knownHosts: knowing(keys, { [server.port]: 'host' }), prompter: person('old') })).rejects.toMatchObject({ code: 'host/password-expired' });
  });
});

describe('a ProxyCommand', () => {
  const through = (proxyCommand: string, change: Partial<SshTarget> = {}) => openSsh(alpha(22, { proxyCommand, ...change }), { knownHosts: async () => [], connectTimeoutMs: 700 });

  it('that fails is named, with what it said', async () => {
    await expect(through('sh -c "echo no way out >&2; exit 3"')).rejects.toMatchObject({ code: 'host/proxy-failed', message: expect.stringMatching(/exit status 3\): no way out/), evidence: ['no way out'] });
    await expect(through('/no/such/program')).rejects.toMatchObject({ code: 'host/proxy-failed' });
  });

  it('that says nothing is waited for no longer than a silent host, and is ended', async () => {
    await expect(through('sleep 1000.125')).rejects.toMatchObject({ code: 'host/timeout' });
    const isThere = (): boolean => readdirSync('/proc').some((pid) => /^\d+$/.test(pid) && commandLine(pid) === 'sleep\u00001000.125\0');
    while (isThere()) await new Promise((resolve) => setTimeout(resolve, 10));
  });

  it('that leads to something else than SSH is no way', async () => {
    await expect(through('echo hello')).rejects.toMatchObject({ code: expect.stringMatching(/^host\/(?:connection-lost|handshake-failed)$/) });
  });
});

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}
