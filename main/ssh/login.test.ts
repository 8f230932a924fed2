import { spawn, execFileSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { inspect } from 'node:util';
import { join } from 'node:path';
import type { AuthContext, KeyboardAuthContext } from 'ssh2';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { nobody } from '../prompts/prompter';
import { secretIds, SessionKeyring } from '../secrets/keyring';
import { Secret } from '../secrets/secret';
import { until } from '../../test/integration/support/until';
import { Keys, knowing, passphrase, person, startServer, targetAt, type RunningServer, type ServerOptions } from './server-fixture';
import { openSsh, type SshOptions } from './ssh-transport';
import type { SshTarget } from './target';

let keys: Keys;
let agent: ChildProcess;
let agentSocket: string;
const servers: RunningServer[] = [];

beforeAll(async () => {
  keys = new Keys();
  agentSocket = join(keys.directory, 'agent');
  agent = spawn('ssh-agent', ['-D', '-a', agentSocket], { stdio: 'ignore' });
  await until('the agent', () => {
    try {
      execFileSync('ssh-add', ['-q', keys.path('other'), keys.path('rsa')], { env: { ...process.env, SSH_AUTH_SOCK: agentSocket }, stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  });
});

afterAll(async () => {
  agent.kill();
  await once(agent, 'exit'); // it takes its socket away
  keys[Symbol.dispose]();
});

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function login(serverOptions: ServerOptions, change: Partial<SshTarget>, options: Partial<SshOptions> = {}): Promise<{ server: RunningServer; notes: string[]; error: unknown }> {
  const server = await startServer(keys, serverOptions);
  servers.push(server);
  const notes: string[] = [];
  const opening = openSsh(targetAt(server.port, change), { knownHosts: knowing(keys, { [server.port]: 'host' }), onNote: (text) => notes.push(text), connectTimeoutMs: 20_000, ...options });
  const error: unknown = await opening.then(
    (transport) => transport.close(),
    (thrown: unknown) => thrown,
  );
  return { server, notes, error };
}

const takesKey = (name: string, left: AuthContext['method'][] = ['publickey']): ServerOptions => ({ onAuth: (_context, { keyIs }) => (keyIs(name) ? 'accept' : { left }) });
const takesPassword = (password: string): ServerOptions => ({ onAuth: (context) => (context.method === 'password' && context.password === password ? 'accept' : { left: ['publickey', 'password'] }) });

describe('keys', () => {
  it.each(['plain', 'rsa', 'ecdsa'])('logs in with the key %s from a file', async (name) => {
    const { error, notes } = await login(takesKey(name), { identityFiles: [keys.path('absent'), keys.path(name)] });
    expect(error).toBeUndefined();
    expect(notes).toEqual([`alpha: trying the key ${name}`]);
  });

  it('tries the agent before files, its keys that are named first, and names each', async () => {
    const { error, notes } = await login(takesKey('plain'), { identityAgent: agentSocket, identityFiles: [keys.path('rsa'), keys.path('plain')] });
    expect(error).toBeUndefined();
    expect(notes).toEqual(['alpha: trying the agent\'s key rsa', 'alpha: trying the agent\'s key other', 'alpha: trying the key plain']);
  });

  it('offers only the named ones of the agent where only these are wanted', async () => {
    const { notes, error } = await login(takesKey('rsa'), { identityAgent: agentSocket, identitiesOnly: true, identityFiles: [keys.path('rsa')] });
    expect(error).toBeUndefined();
    expect(notes).toEqual(['alpha: trying the agent\'s key rsa']);
  });

  it('goes on without an agent that is not there', async () => {
    const { error, notes } = await login({}, { identityAgent: join(keys.directory, 'gone'), identityFiles: [keys.path('plain')] });
    expect(error).toBeUndefined();
    expect(notes[0]).toMatch(/agent cannot be asked/);
  });

  it('says what was tried when nothing is accepted', async () => {
    const { error } = await login(takesKey('host'), { identityAgent: agentSocket, identityFiles: [keys.path('plain')] });
    expect(error).toMatchObject({ code: 'host/auth-failed', message: expect.stringContaining('the agent\'s key other, the agent\'s key rsa, the key plain') });
  });

  it('says that there is nothing to try', async () => {
    expect((await login({}, {})).error).toMatchObject({ code: 'host/no-identity' });
  });
});

describe('passphrases', () => {
  it.each(['locked', 'bare'])('asks for that of %s, and keeps it once it has worked', async (name) => {
    const keyring = new SessionKeyring();
    const prompter = person('wrong', passphrase);
    const first = await login(takesKey(name), { identityFiles: [keys.path(name)] }, { prompter, keyring });
    expect(first.error).toBeUndefined();
    expect(prompter.questions).toEqual([`Passphrase of ${keys.path(name)}:`, `That is not it. Passphrase of ${keys.path(name)}:`]);
    const second = await login(takesKey(name), { identityFiles: [keys.path(name)] }, { prompter: nobody, keyring });
    expect(second.error).toBeUndefined();
  });

  it('asks for none that the server has no use for', async () => {
    const prompter = person();
    const { error } = await login(takesKey('plain'), { identityFiles: [keys.path('locked'), keys.path('plain')] }, { prompter });
    expect(error).toBeUndefined();
    expect(prompter.questions).toEqual([]);
  });

  it('keeps none that opened a key which was refused', async () => {
    const keyring = new SessionKeyring();
    await login({ onAuth: () => ({ left: ['publickey'] }) }, { identityFiles: [keys.path('bare')] }, { prompter: person(passphrase), keyring });
    expect(await keyring.get(secretIds.passphrase(keys.path('bare')))).toBeUndefined();
  });

  it('says that a key is locked where nobody can be asked', async () => {
    expect((await login(takesKey('locked'), { identityFile: keys.path('locked') })).error).toMatchObject({ code: 'host/identity-locked' });
  });
});

describe('passwords and questions', () => {
  it('asks for a password after the keys, again after a wrong one, and keeps the right one', async () => {
    const keyring = new SessionKeyring();
    const prompter = person('wrong', 'right');
    const { error, notes, server } = await login(takesPassword('right'), { identityFiles: [keys.path('plain')] }, { prompter, keyring });
    expect(error).toBeUndefined();
    expect(notes).toEqual(['alpha: trying the key plain', 'alpha: trying a password', 'alpha: trying a password']);
    expect(prompter.questions).toEqual([`Password of zap@127.0.0.1:${server.port}:`, `That is not it. Password of zap@127.0.0.1:${server.port}:`]);
    expect((await keyring.get(secretIds.password('zap', '127.0.0.1', server.port)))?.reveal()).toBe('right');
  });

  it('forgets a password that does not work any more', async () => {
    const server = await startServer(keys, takesPassword('new'));
    servers.push(server);
    const keyring = new SessionKeyring();
    const id = secretIds.password('zap', '127.0.0.1', server.port);
    await keyring.set(id, new Secret('old'));
    const opening = openSsh(targetAt(server.port), { knownHosts: knowing(keys, { [server.port]: 'host' }), prompter: nobody, keyring });
    await expect(opening).rejects.toMatchObject({ code: 'host/auth-needs-answer' });
    expect(await keyring.get(id)).toBeUndefined();
  });

  it('gives up after three', async () => {
    const { error, server } = await login(takesPassword('right'), {}, { prompter: person('a', 'b', 'c', 'd') });
    expect(error).toMatchObject({ code: 'host/auth-failed', message: expect.stringContaining('a password') });
    expect(server.attempts.filter((method) => method === 'password')).toHaveLength(3);
    expect(inspect(error, { depth: 9 })).not.toMatch(/\b[abc]\b'/);
  });

  it('says that a password is asked for and nobody is there', async () => {
    expect((await login(takesPassword('x'), {}, { prompter: nobody })).error).toMatchObject({ code: 'host/auth-needs-answer' });
  });

  it('answers a server that wants a key and then a code', async () => {
    const prompter = person('123456', 'blue');
    let hasKey = false;
    const options: ServerOptions = {
      onAuth: (context, { keyIs }) => {
        if (keyIs('plain') && (context as { signature?: Buffer }).signature) {
          hasKey = true;
          return { left: ['keyboard-interactive'], isPartial: true };
        }
        if (keyIs('plain')) return 'accept'; // only: this key would do
        if (!hasKey || context.method !== 'keyboard-interactive') return { left: [hasKey ? 'keyboard-interactive' : 'publickey'] };
        return new Promise((resolve) => {
          (context as KeyboardAuthContext).prompt([{ prompt: 'Code: ', echo: false }, { prompt: 'Colour? ', echo: true }], 'Title', 'Two things.', (answers) => {
            if (answers.join() === '123456,blue') context.accept();
            else context.reject();
            resolve();
          });
        });
      },
    };
    const { error } = await login(options, { identityFiles: [keys.path('plain')] }, { prompter });
    expect(error).toBeUndefined();
    expect(prompter.questions).toEqual(['alpha: Two things. Code:', 'alpha: Two things. Colour?']);
  });

  it('does not count the time in which a person thinks', async () => {
    const prompter = person('right');
    const slow = { ...prompter, secret: async (question: { question: string }) => (await new Promise((resolve) => setTimeout(resolve, 700)), prompter.secret(question)) };
    expect((await login(takesPassword('right'), {}, { prompter: slow, connectTimeoutMs: 500 })).error).toBeUndefined();
  });
});
