/** The app with two hosts: what it is told, what it does to PODs, and what it does when something of it ends. Real Electron, real hosts, as a person's program. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeInLab } from '../integration/support/suite';
import { until } from '../integration/support/until';
import { AtWork, podOf } from './hosts/at-work';
import { care } from './hosts/care';
import { closing } from './hosts/closing';
import { together } from './hosts/together';
import { describeWithElectron } from './support/app';

describeWithElectron('the app', () => describeInLab('and its hosts', (suite) => {
  const work = new AtWork(suite);
  const podState = work.podState.bind(work);
  const idOf = work.idOf.bind(work);

  it('shows the hosts, how they were reached, and what they are', async () => {
    const { hosts } = await work.app.state('facts are there', ({ hosts: all }) => all.filter(({ facts }) => facts).length >= 2);
    const alpha = hosts.find(({ name }) => name === 'alpha')!;
    expect(alpha).toMatchObject({ isLab: true, isLocal: false, facts: { hostname: 'alpha' } });
    expect(alpha.connection).toMatchObject({ kind: 'ready', steps: [{ name: 'reach', state: 'done' }, { name: 'verify-key', state: 'done' }, { name: 'authenticate', state: 'done' }, { name: 'start-helper', state: 'done' }] });
    expect(hosts.find(({ name }) => name === 'local')).toMatchObject({ isLocal: true });
  });

  it('creates a POD, says before where it can go, moves it there, and keeps what came of it', async () => {
    const created = await work.app.call('pod.create', { host: 'alpha', name: 'desk', environment: 'suite', network: { profile: 'none' }, limits: {} });
    expect(await work.app.ended(created.task)).toMatchObject({ kind: 'pod.create', state: { kind: 'done' }, subject: { podName: 'desk' } });
    const pod = await idOf('desk');
    const picture = await work.app.page.evaluate((id) => new Promise<string>((resolve) => window.zap.listen('thumbnail', ({ pod: of, png }) => of === id && resolve(String.fromCharCode(...png.slice(1, 4))))), pod);
    expect(picture).toBe('PNG');
    await until('plans are known', async () => (await work.app.call('pod.plans', { pod })).plans.every(({ to, verdict }) => to === 'local' || verdict !== 'unknown'));
    const { plans } = await work.app.call('pod.plans', { pod });
    const verdicts = Object.fromEntries(plans.map(({ to, verdict }) => [to, verdict]));
    expect(verdicts).toMatchObject({ alpha: 'same', beta: expect.stringMatching(/ready|warnings/), local: 'impossible' });
    expect(plans.find(({ to }) => to === 'local')!.findings[0]).toMatchObject({ id: 'plan/not-connected', severity: 'blocker' });
    expect(await work.app.call('pod.plan', { pod, to: 'beta' })).toMatchObject({ isExact: true, from: 'alpha', to: 'beta', mode: 'live', predictedTotalMs: expect.any(Number) as number, predictedSentBytes: expect.any(Number) as number });

    const { task } = await work.app.call('pod.move', { pod, to: 'beta', resumes: true, keepsMemory: true });
    const whileMoving = await work.app.snapshot();
    expect(podOf(whileMoving, 'desk')).toMatchObject({ task, destination: 'beta' });
    expect(await work.app.ask('pod.suspend', { pod })).toMatchObject({ ok: false, error: { code: 'pod/busy' } });
    const moved = await work.app.ended(task);
    expect(moved).toMatchObject({ state: { kind: 'done', outcome: { downtimeMs: expect.any(Number) as number } }, subject: { from: 'alpha', to: 'beta' } });
    await podState('desk', ({ host, state }) => host === 'beta' && state.kind === 'running');
    expect(existsSync(suite.view('alpha').path('var/lib/zap/kept', pod))).toBe(true);
    expect((await work.app.call('task.log', { task })).text).toContain('send memory');
    const diagnostics = (await work.app.call('app.diagnostics', { task })).text;
    expect(diagnostics).toContain('pod.move');
    expect(diagnostics).not.toMatch(/[0-9a-f]{64}/);
  });

  it('tells a move that cannot be with where the POD is, and finds out what others do', async () => {
    await podState('guest', ({ state }) => state.kind === 'running');
    const pod = await idOf('guest');
    const exec = suite.zap.start(['pod', 'exec', 'guest', '--', 'sleep', '60']);
    await until('the command runs in it', async () => (await work.app.call('pod.plan', { pod, to: 'beta' })).verdict === 'impossible');
    const { task } = await work.app.call('pod.move', { pod, to: 'beta', resumes: true });
    expect(await work.app.ended(task)).toMatchObject({ state: { kind: 'failed', error: { code: 'preflight/exec-running' }, whereabouts: { host: 'alpha', state: 'running' } }, canRepeat: true });
    exec.child.kill('SIGKILL');
    await exec.ended;
    await suite.delete('guest');
    await work.app.state('the POD that another program deleted is gone', (snapshot) => podOf(snapshot, 'guest') === undefined);
    expect(await work.app.ask('pod.move', { pod, to: 'beta', resumes: true })).toMatchObject({ ok: false, error: { code: 'pod/not-found' } });
  });

  it('suspends, resumes elsewhere and clones', async () => {
    const pod = await idOf('desk');
    expect((await work.app.ended((await work.app.call('pod.suspend', { pod })).task)).state.kind).toBe('done');
    await podState('desk', ({ state }) => state.kind === 'suspended');
    const resumed = await work.app.ended((await work.app.call('pod.resume', { pod, to: 'alpha' })).task);
    expect(resumed).toMatchObject({ state: { kind: 'done' }, subject: { from: 'beta', to: 'alpha' } });
    await podState('desk', ({ host, state }) => host === 'alpha' && state.kind === 'running');
    const cloned = await work.app.ended((await work.app.call('pod.clone', { pod, name: 'twin', to: 'beta', isFresh: false })).task);
    expect(cloned.state.kind).toBe('done');
    await podState('twin', ({ host, state }) => host === 'beta' && state.kind === 'running');
    expect((await work.app.ended((await work.app.call('pod.delete', { pod: await idOf('twin') })).task)).state.kind).toBe('done');
    expect(podOf(await work.app.snapshot(), 'twin')).toBeUndefined();
  });

  it('connects again by itself when a helper is killed', async () => {
    const before = (await work.app.snapshot()).hosts.find(({ name }) => name === 'alpha')!.connection;
    await suite.lab.exec('alpha', ['sh', '-c', 'for exe in /proc/[0-9]*/exe; do case "$(readlink "$exe")" in */zap-helper) pid=${exe#/proc/}; kill -9 "${pid%/exe}" ;; esac; done']);
    await work.app.state('it was lost and is back', ({ hosts }) => {
      const { connection } = hosts.find(({ name }) => name === 'alpha')!;
      return connection.kind === 'ready' && before.kind === 'ready' && connection.sinceMs > before.sinceMs;
    });
    await podState('desk', ({ isStale, state }) => !isStale && state.kind === 'running');
  });

  it('starts its services anew when they end, and forgets nothing', async () => {
    const tasks = (await work.app.snapshot()).tasks.map(({ id }) => id);
    const restarted = work.app.page.evaluate(() => new Promise<boolean>((resolve) => window.zap.listen('restarted', () => resolve(true))));
    await work.app.app.evaluate(({ app: electron }) => {
      for (const { type, serviceName, name, pid } of electron.getAppMetrics()) if (type === 'Utility' && [serviceName, name].includes('Zap services')) process.kill(pid, 'SIGKILL');
    });
    expect(await restarted).toBe(true);
    await until('the POD is known again', async () => ((answer) => answer.ok && podOf(answer.value, 'desk') !== undefined)(await work.app.ask('state.snapshot', {})));
    expect(await work.app.call('pod.plan', { pod: await idOf('desk'), to: 'beta' })).toMatchObject({ isExact: true }); // beta, if it is still being connected, is waited for
    await podState('desk', ({ isStale, state }) => !isStale && state.kind === 'running');
    expect((await work.app.snapshot()).tasks.map(({ id }) => id)).toEqual(tasks);
  });

  closing(work);

  it('empties a host, each POD by a task of its own, and does again what is asked for again', async () => {
    const evacuated = await work.app.ended((await work.app.call('host.evacuate', { host: 'beta' })).task);
    expect(evacuated).toMatchObject({ state: { kind: 'done' }, subject: { host: 'beta' } });
    const { tasks } = await podState('desk', ({ host, state }) => host === 'alpha' && state.kind === 'running');
    expect(tasks.find(({ parent }) => parent === evacuated.id)).toMatchObject({ kind: 'pod.move', state: { kind: 'done' }, subject: { from: 'beta', to: 'alpha' } });
    const { task } = await work.app.call('task.repeat', { task: evacuated.id });
    expect(await work.app.ended(task)).toMatchObject({ kind: 'host.evacuate', state: { kind: 'done', outcome: { note: expect.stringContaining('0 PODs') as string } } });
  });

  together(work);

  it('asks whether a new host is to be trusted, and keeps none that is not', async () => {
    const home = await mkdtemp(join(tmpdir(), 'zap-fresh-'));
    const fresh = await work.stage.launch(home);
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
    const { hosts } = await work.app.state('alpha is lost', (snapshot) => snapshot.hosts.find(({ name }) => name === 'alpha')?.connection.kind === 'failed', 45_000);
    expect(hosts.find(({ name }) => name === 'alpha')!.connection).toMatchObject({ error: { message: expect.stringContaining('alpha') as string } });
    await podState('desk', ({ host, isStale }) => host === 'alpha' && isStale);
    expect((await work.app.call('pod.plans', { pod: await idOf('desk') })).plans.find(({ to }) => to === 'beta')).toMatchObject({ verdict: 'impossible' });
    await suite.lab.startHost('alpha');
    await work.app.state('alpha is back by itself', (snapshot) => snapshot.hosts.find(({ name }) => name === 'alpha')?.connection.kind === 'ready', 45_000);
    await podState('desk', ({ isStale }) => !isStale);
  }, 120_000);

  care(work);
}));
