/** The app with two hosts: what it is told, what it does to PODs, and what it does when something of it ends. Real Electron, real hosts, as a person's program. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { PodView, Snapshot } from '../../main/contract';
import { describeInLab } from '../integration/support/suite';
import { until } from '../integration/support/until';
import { AppStage, describeWithElectron, type RunningApp } from './support/app';

const podOf = ({ pods }: Snapshot, name: string): PodView | undefined => pods.find((pod) => pod.name === name);

describeWithElectron('the app', () => describeInLab('and its hosts', (suite) => {
  let stage: AppStage;
  let app: RunningApp;
  const podState = (name: string, isWanted: (pod: PodView) => boolean): Promise<Snapshot> => app.state(`${name} as wanted`, (snapshot) => ((pod) => pod !== undefined && isWanted(pod))(podOf(snapshot, name)));
  const idOf = async (name: string): Promise<string> => podOf(await app.snapshot(), name)!.id;

  beforeAll(async () => {
    // By root: a user's app may not start a helper on this computer, which has the environment.
    await suite.create('guest', { host: 'alpha', options: ['--network', 'none'] });
    stage = await AppStage.open();
    app = await stage.launch(suite.zap.home);
    await app.state('both hosts are connected', ({ hosts }) => ['alpha', 'beta'].every((name) => hosts.find((host) => host.name === name)?.connection.kind === 'ready'));
  });
  afterAll(async () => {
    await app?.close();
    await stage?.close();
  });

  it('shows the hosts, how they were reached, and what they are', async () => {
    const { hosts } = await app.state('facts are there', ({ hosts: all }) => all.filter(({ facts }) => facts).length >= 2);
    const alpha = hosts.find(({ name }) => name === 'alpha')!;
    expect(alpha).toMatchObject({ isLab: true, isLocal: false, facts: { hostname: 'alpha' } });
    expect(alpha.connection).toMatchObject({ kind: 'ready', steps: [{ name: 'reach', state: 'done' }, { name: 'verify-key', state: 'done' }, { name: 'authenticate', state: 'done' }, { name: 'start-helper', state: 'done' }] });
    expect(hosts.find(({ name }) => name === 'local')).toMatchObject({ isLocal: true });
  });

  it('creates a POD, says before where it can go, moves it there, and keeps what came of it', async () => {
    const created = await app.call('pod.create', { host: 'alpha', name: 'desk', environment: 'suite', network: { profile: 'none' }, limits: {} });
    expect(await app.ended(created.task)).toMatchObject({ kind: 'pod.create', state: { kind: 'done' }, subject: { podName: 'desk' } });
    const pod = await idOf('desk');
    const picture = await app.page.evaluate((id) => new Promise<string>((resolve) => window.zap.listen('thumbnail', ({ pod: of, png }) => of === id && resolve(String.fromCharCode(...png.slice(1, 4))))), pod);
    expect(picture).toBe('PNG');
    await until('plans are known', async () => (await app.call('pod.plans', { pod })).plans.every(({ to, verdict }) => to === 'local' || verdict !== 'unknown'));
    const { plans } = await app.call('pod.plans', { pod });
    const verdicts = Object.fromEntries(plans.map(({ to, verdict }) => [to, verdict]));
    expect(verdicts).toMatchObject({ alpha: 'same', beta: expect.stringMatching(/ready|warnings/), local: 'impossible' });
    expect(plans.find(({ to }) => to === 'local')!.findings[0]).toMatchObject({ id: 'plan/not-connected', severity: 'blocker' });
    expect(await app.call('pod.plan', { pod, to: 'beta' })).toMatchObject({ isExact: true, from: 'alpha', to: 'beta', mode: 'live', predictedTotalMs: expect.any(Number) as number, predictedSentBytes: expect.any(Number) as number });

    const { task } = await app.call('pod.move', { pod, to: 'beta', resumes: true });
    const whileMoving = await app.snapshot();
    expect(podOf(whileMoving, 'desk')).toMatchObject({ task, destination: 'beta' });
    expect(await app.ask('pod.suspend', { pod })).toMatchObject({ ok: false, error: { code: 'pod/busy' } });
    const moved = await app.ended(task);
    expect(moved).toMatchObject({ state: { kind: 'done', outcome: { downtimeMs: expect.any(Number) as number } }, subject: { from: 'alpha', to: 'beta' } });
    await podState('desk', ({ host, state }) => host === 'beta' && state.kind === 'running');
    expect((await app.call('task.log', { task })).text).toContain('send memory');
    const diagnostics = (await app.call('app.diagnostics', { task })).text;
    expect(diagnostics).toContain('pod.move');
    expect(diagnostics).not.toMatch(/[0-9a-f]{64}/);
  });

  it('tells a move that cannot be with where the POD is, and finds out what others do', async () => {
    await podState('guest', ({ state }) => state.kind === 'running');
    const pod = await idOf('guest');
    const exec = suite.zap.start(['pod', 'exec', 'guest', '--', 'sleep', '60']);
    await until('the command runs in it', async () => (await app.call('pod.plan', { pod, to: 'beta' })).verdict === 'impossible');
    const { task } = await app.call('pod.move', { pod, to: 'beta', resumes: true });
    expect(await app.ended(task)).toMatchObject({ state: { kind: 'failed', error: { code: 'preflight/exec-running' }, whereabouts: { host: 'alpha', state: 'running' } }, canRepeat: true });
    exec.child.kill('SIGKILL');
    await exec.ended;
    await suite.delete('guest');
    await app.state('the POD that another program deleted is gone', (snapshot) => podOf(snapshot, 'guest') === undefined);
    expect(await app.ask('pod.move', { pod, to: 'beta', resumes: true })).toMatchObject({ ok: false, error: { code: 'pod/not-found' } });
  });

  it('suspends, resumes elsewhere and clones', async () => {
    const pod = await idOf('desk');
    expect((await app.ended((await app.call('pod.suspend', { pod })).task)).state.kind).toBe('done');
    await podState('desk', ({ state }) => state.kind === 'suspended');
    const resumed = await app.ended((await app.call('pod.resume', { pod, to: 'alpha' })).task);
    expect(resumed).toMatchObject({ state: { kind: 'done' }, subject: { from: 'beta', to: 'alpha' } });
    await podState('desk', ({ host, state }) => host === 'alpha' && state.kind === 'running');
    const cloned = await app.ended((await app.call('pod.clone', { pod, name: 'twin', to: 'beta', isFresh: false })).task);
    expect(cloned.state.kind).toBe('done');
    await podState('twin', ({ host, state }) => host === 'beta' && state.kind === 'running');
    expect((await app.ended((await app.call('pod.delete', { pod: await idOf('twin') })).task)).state.kind).toBe('done');
    expect(podOf(await app.snapshot(), 'twin')).toBeUndefined();
  });

  it('connects again by itself when a helper is killed', async () => {
    const before = (await app.snapshot()).hosts.find(({ name }) => name === 'alpha')!.connection;
    await suite.lab.exec('alpha', ['sh', '-c', 'for exe in /proc/[0-9]*/exe; do case "$(readlink "$exe")" in */zap-helper) pid=${exe#/proc/}; kill -9 "${pid%/exe}" ;; esac; done']);
    await app.state('it was lost and is back', ({ hosts }) => {
      const { connection } = hosts.find(({ name }) => name === 'alpha')!;
      return connection.kind === 'ready' && before.kind === 'ready' && connection.sinceMs > before.sinceMs;
    });
    await podState('desk', ({ isStale, state }) => !isStale && state.kind === 'running');
  });

  it('starts its services anew when they end, and forgets nothing', async () => {
    const tasks = (await app.snapshot()).tasks.map(({ id }) => id);
    const restarted = app.page.evaluate(() => new Promise<boolean>((resolve) => window.zap.listen('restarted', () => resolve(true))));
    await app.app.evaluate(({ app: electron }) => {
      for (const { type, serviceName, name, pid } of electron.getAppMetrics()) if (type === 'Utility' && [serviceName, name].includes('Zap services')) process.kill(pid, 'SIGKILL');
    });
    expect(await restarted).toBe(true);
    await until('the services answer', async () => (await app.ask('state.snapshot', {})).ok);
    await podState('desk', ({ isStale, state }) => !isStale && state.kind === 'running');
    expect((await app.snapshot()).tasks.map(({ id }) => id)).toEqual(tasks);
  });

  it('leaves a move to the hosts when it is closed, and tells at its return what became of it', async () => {
    const pod = await idOf('desk');
    await suite.lab.setLink('beta', { rateMbit: 20 });
    const { task } = await app.call('pod.move', { pod, to: 'beta', resumes: true });
    await app.state('bytes go', ({ tasks }) => tasks.some(({ id, state }) => id === task && state.kind === 'running' && state.progress.bytes !== undefined));
    await app.app.evaluate(({ dialog }) => {
      dialog.showMessageBox = (async (...args: unknown[]) => {
        const { message, buttons } = args.at(-1) as { message: string; buttons: string[] };
        console.error(`asked: ${message} ${buttons.join('|')}`);
        return { response: buttons.findIndex((label) => label.startsWith('Quit')), checkboxChecked: false };
      }) as typeof dialog.showMessageBox;
    });
    await app.close();
    expect(app.output.join('')).toContain('asked: Still moving: desk.');
    await suite.lab.clearLink('beta');
    app = await stage.launch(suite.zap.home);
    expect(await app.ended(task)).toMatchObject({ state: { kind: 'done', outcome: { note: expect.stringContaining('while the app was closed') as string } } });
    await podState('desk', ({ host, state }) => host === 'beta' && state.kind === 'running');
  });

  it('empties a host, each POD by a task of its own, and does again what is asked for again', async () => {
    const evacuated = await app.ended((await app.call('host.evacuate', { host: 'beta' })).task);
    expect(evacuated).toMatchObject({ state: { kind: 'done' }, subject: { host: 'beta' } });
    const { tasks } = await podState('desk', ({ host, state }) => host === 'alpha' && state.kind === 'running');
    expect(tasks.find(({ parent }) => parent === evacuated.id)).toMatchObject({ kind: 'pod.move', state: { kind: 'done' }, subject: { from: 'beta', to: 'alpha' } });
    const { task } = await app.call('task.repeat', { task: evacuated.id });
    expect(await app.ended(task)).toMatchObject({ kind: 'host.evacuate', state: { kind: 'done', outcome: { note: expect.stringContaining('0 PODs') as string } } });
  });

  it('asks whether a new host is to be trusted, and keeps none that is not', async () => {
    const home = await mkdtemp(join(tmpdir(), 'zap-fresh-'));
    const fresh = await stage.launch(home);
    try {
      const { hosts } = JSON.parse(await readFile(join(suite.zap.home, 'hosts.json'), 'utf8')) as { hosts: Record<string, { user: string; address: string; port: number; identityFile: string }> };
      const { user, address, port, identityFile } = hosts['alpha']!;
      const add = { host: 'first', destination: `${user}@${address}:${port}`, identityFile };
      const answer = async (kind: 'yes' | 'no'): Promise<void> => {
        const { prompts } = await fresh.state('it asks', ({ prompts: open }) => open.length > 0);
        expect(prompts).toMatchObject([{ kind: 'host-key', host: 'first', fingerprint: expect.stringMatching(/^SHA256:/) as string }]);
        await fresh.call('prompt.answer', { prompt: prompts[0]!.id, answer: { kind } });
      };
      const refused = await fresh.call('host.add', add);
      await answer('no');
      expect(await fresh.ended(refused.task)).toMatchObject({ state: { kind: 'failed', error: { code: 'host/key-unknown' } } });
      expect((await fresh.snapshot()).hosts.map(({ name }) => name)).toEqual(['local']);
      const added = await fresh.call('host.add', add);
      await answer('yes');
      expect((await fresh.ended(added.task)).state.kind).toBe('done');
      await fresh.state('its POD is seen', (snapshot) => podOf(snapshot, 'desk')?.host === 'first');
      await fresh.call('host.remove', { host: 'first' });
      expect(await fresh.snapshot()).toMatchObject({ pods: [], prompts: [] });
    } finally {
      await fresh.close();
      await rm(home, { recursive: true, force: true });
    }
  });

  it('shows a POD whose programs have ended, and what is left of one when its host is lost', async () => {
    await suite.exec('desk', 'sh', '-c', 'kill -9 -1').catch(() => {});
    await podState('desk', ({ state }) => state.kind === 'exited');
    await suite.lab.killHost('alpha');
    const { hosts } = await app.state('alpha is lost', (snapshot) => snapshot.hosts.find(({ name }) => name === 'alpha')?.connection.kind === 'failed', 45_000);
    expect(hosts.find(({ name }) => name === 'alpha')!.connection).toMatchObject({ error: { message: expect.stringContaining('alpha') as string } });
    await podState('desk', ({ host, isStale }) => host === 'alpha' && isStale);
    expect((await app.call('pod.plans', { pod: await idOf('desk') })).plans.find(({ to }) => to === 'beta')).toMatchObject({ verdict: 'impossible' });
    await suite.lab.startHost('alpha');
    await app.state('alpha is back by itself', (snapshot) => snapshot.hosts.find(({ name }) => name === 'alpha')?.connection.kind === 'ready', 45_000);
    await podState('desk', ({ isStale }) => !isStale);
  }, 120_000);
}));
