/** What a person does in the real app, with real hosts: drags a POD, takes it back, and is told of what goes wrong and of what others do. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeInLab } from '../integration/support/suite';
import { AppStage, type RunningApp } from './support/app';

describeInLab('a person in front of the app', (suite) => {
  let stage: AppStage;
  let app: RunningApp;
  const column = (host: string) => app.page.locator(`[data-host="${host}"]`);
  const cardIn = (host: string, name: string) => column(host).getByRole('row', { name });
  const notice = () => app.page.locator('.notice').last();

  beforeAll(async () => {
    await suite.create('guest', { host: 'alpha', options: ['--network', 'none'] });
    stage = await AppStage.open();
    app = await stage.launch(suite.zap.home);
    await app.state('both hosts are connected', ({ hosts }) => ['alpha', 'beta'].every((name) => hosts.find((host) => host.name === name)?.connection.kind === 'ready'));
    await cardIn('alpha', 'guest').waitFor();
  });
  afterAll(async () => {
    await app?.close();
    await stage?.close();
  });

  it('drags a POD to another host', async () => {
    await cardIn('alpha', 'guest').hover();
    await app.page.mouse.down();
    const box = (await column('beta').locator('.cards').boundingBox())!;
    await app.page.mouse.move(box.x + 60, box.y + 60, { steps: 4 });
    await app.page.mouse.move(box.x + 90, box.y + 120, { steps: 4 });
    await app.page.locator('[data-host="beta"].column-over').waitFor();
    await column('beta').locator('.column-verdict', { hasText: 'pause about' }).waitFor();
    await app.page.mouse.up();
    await app.page.getByRole('heading', { name: 'Move guest to beta?' }).waitFor();
    await app.page.getByRole('button', { name: 'Move', exact: true }).click();
    await notice().getByText('guest runs on beta now').waitFor({ timeout: 60_000 });
    expect(await notice().textContent()).toMatch(/It was paused for \d/);
    await cardIn('beta', 'guest').waitFor();
    expect(await cardIn('alpha', 'guest').count()).toBe(0);
    expect(await suite.zap.json('pod', 'show', 'guest')).toMatchObject({ host: 'beta' });
  });

  it('takes it back', async () => {
    await notice().getByRole('button', { name: 'Move back' }).click();
    await cardIn('alpha', 'guest').waitFor({ timeout: 60_000 });
    expect(await cardIn('beta', 'guest').count()).toBe(0);
  });

  it('is told when a move fails, first of all where the POD is', async () => {
    const exec = suite.zap.start(['pod', 'exec', 'guest', '--', 'sleep', '60']);
    try {
      const { pods } = await app.snapshot();
      const pod = pods.find(({ name }) => name === 'guest')!.id;
      await expect.poll(async () => (await app.call('pod.plan', { pod, to: 'beta' })).verdict, { timeout: 20_000 }).toBe('impossible');
      await app.call('pod.move', { pod, to: 'beta', resumes: false });
      await notice().getByText('Still running on alpha. Nothing was lost.').waitFor({ timeout: 30_000 });
    } finally {
      exec.child.kill('SIGKILL');
      await exec.ended;
    }
  });

  it('sees what the command line does, and is told when the POD of an open page is deleted', async () => {
    await suite.create('other', { host: 'beta', options: ['--network', 'none'] });
    await cardIn('beta', 'other').dblclick();
    await app.page.getByRole('heading', { name: 'other', exact: true }).waitFor();
    await suite.delete('other');
    await app.page.getByText('other is not there any more').waitFor();
    await app.page.getByRole('button', { name: 'Go to the overview' }).click();
  });

  it('sees that a host is lost, and that it is back', async () => {
    await suite.lab.killHost('beta');
    await column('beta').getByText('Not reachable').first().waitFor({ timeout: 90_000 });
    await suite.lab.startHost('beta');
    await column('beta').getByText(/^load/).waitFor({ timeout: 90_000 });
  });
});
