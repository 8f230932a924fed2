/** The contract answered by real parts, as far as no host is needed. */
import { createServer, type Server } from 'node:net';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CallInput, CallName, CallOutput, Snapshot, Task } from '../contract';
import { Services } from './services';

let home: string;
let services: Services;
/** Takes connections and says nothing, as a host that hangs. */
let silent: Server;

const open = async (): Promise<Services> => Services.open({ zapHome: join(home, 'zap'), distDirectory: home, emit: () => {}, vault: { canKeep: false, seal: async () => undefined, open: async () => undefined } });

async function call<N extends CallName>(name: N, input: CallInput<N>): Promise<CallOutput<N>> {
  const result = await services.call(name, input);
  if (!result.ok) throw Object.assign(new Error(result.error.message), result.error);
  return result.value as CallOutput<N>;
}

const snapshot = (): Promise<Snapshot> => call('state.snapshot', {});
const ended = (task: string): Promise<Task> => vi.waitFor(async () => {
  const found = (await snapshot()).tasks.find(({ id, endedAtMs }) => id === task && endedAtMs !== undefined);
  expect(found).toBeDefined();
  return found!;
}, 5_000);

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'zap-services-'));
  writeFileSync(join(home, 'environments.json'), JSON.stringify({ version: 1, recipes: [] }));
  copyFileSync('/bin/true', join(home, 'zap-helper')); // a program, which nobody gets as far as
  writeFileSync(join(home, 'zap-helper.sha256'), '0'.repeat(64));
  vi.stubEnv('ZAP_SSH_CONFIG', join(home, 'ssh_config'));
  silent = createServer(() => {}).listen(0, '127.0.0.1');
  await new Promise((resolve) => silent.once('listening', resolve));
  services = await open();
});
afterEach(async () => {
  await services.close();
  silent.close();
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true, force: true });
});

const portOf = (server: Server): number => (server.address() as { port: number }).port;

describe('Services', () => {
  it('keeps no host that was never reached', async () => {
    const port = portOf(silent);
    silent.close();
    const { task } = await call('host.add', { host: 'nowhere', destination: `me@127.0.0.1:${port}` });
    expect(await ended(task)).toMatchObject({ state: { kind: 'failed', error: { code: 'host/refused' } }, subject: { host: 'nowhere' } });
    expect((await snapshot()).hosts.map(({ name }) => name)).toEqual(['local']);
    expect((await services.call('host.remove', { host: 'nowhere' }))).toMatchObject({ ok: false, error: { code: 'host/unknown' } });
  });

  it('gives up the way to a host when it is told to, and forgets it', async () => {
    const { task } = await call('host.add', { host: 'hanging', destination: `me@127.0.0.1:${portOf(silent)}` });
    await vi.waitFor(async () => expect((await snapshot()).hosts.find(({ name }) => name === 'hanging')?.connection).toMatchObject({ kind: 'connecting', steps: [{ name: 'reach', state: 'done' }, { name: 'verify-key', state: 'running' }, {}, {}] }));
    await call('task.cancel', { task });
    expect((await ended(task)).state.kind).toBe('cancelled');
    expect((await snapshot()).hosts.map(({ name }) => name)).toEqual(['local']);
  });

  it('offers the names of SSH\'s configuration, and notices when they change', async () => {
    writeFileSync(join(home, 'ssh_config'), 'Host work\n  HostName 10.9.0.1\n  User me\nHost *.example.org\n  User x\n');
    await vi.waitFor(async () => expect((await snapshot()).suggestions).toEqual([{ alias: 'work', address: 'me@10.9.0.1', jumps: [] }]), 5_000);
  });

  it('refuses what cannot be, in words', async () => {
    const pod = '0123456789ab';
    const refused = async <N extends CallName>(name: N, input: CallInput<N>): Promise<string> => ((result) => (result.ok ? 'done' : result.error.code))(await services.call(name, input));
    expect(await refused('pod.move', { pod, to: 'beta', resumes: true })).toBe('pod/not-found');
    expect(await refused('pod.create', { host: 'beta', name: 'a', environment: 'e', network: { profile: 'none' }, limits: {} })).toBe('host/unknown');
    expect(await refused('host.evacuate', { host: 'beta' })).toBe('host/unknown');
    expect(await refused('host.add', { host: 'local', destination: 'x' })).toBe('host/name-taken');
    expect(await refused('host.add', { host: 'new' })).toBe('host/not-in-ssh-config');
    expect(await refused('task.cancel', { task: 'none-such' })).toBe('usage/task-ended');
    expect(await refused('task.repeat', { task: 'none-such' })).toBe('usage/not-repeatable');
    expect(await refused('prompt.answer', { prompt: 'p', answer: { kind: 'yes' } })).toBe('usage/prompt-gone');
    expect(await refused('app.open-link', { url: 'https://example.org' })).toBe('usage/no-browser');
  });

  it('has its settings and tasks again after a new start, and hands out nothing secret', async () => {
    await call('settings.change', { theme: 'dark' });
    const port = portOf(silent);
    silent.close();
    const { task } = await call('host.add', { host: 'nowhere', destination: `me@127.0.0.1:${port}` });
    await ended(task);
    writeFileSync(join(home, 'zap/task-logs', `${task}.log`), `password=hunter2 key ${'ab'.repeat(32)}\n`);
    await services.close();
    services = await open();
    expect(await snapshot()).toMatchObject({ settings: { theme: 'dark' }, tasks: [{ id: task, state: { kind: 'failed' } }] });
    const { text } = await call('app.diagnostics', {});
    expect(text).toContain('host/refused');
    expect(text).not.toMatch(/hunter2|(?:ab){32}/);
    await call('task.clear', {});
    expect((await snapshot()).tasks).toEqual([]);
    expect(readFileSync(join(home, 'zap/tasks.jsonl'), 'utf8')).toBe('');
  });
});
