/** What is done to a host itself, from its page: upgraded, given an environment, left. */
import { expect, it } from 'vitest';
import type { Task } from '../../../main/contract';
import type { AtWork } from './at-work';

export function care(work: AtWork): void {
  const onBeta = (script: string): Promise<string> => work.suite.lab.exec('beta', ['sh', '-c', script]).then(({ stdout }) => stdout);
  const last = async (kind: Task['kind']): Promise<Task> => {
    const { tasks } = await work.app.state(`${kind} has begun`, (snapshot) => snapshot.tasks.some((task) => task.kind === kind));
    return work.app.ended(tasks.filter((task) => task.kind === kind).sort((a, b) => a.createdAtMs - b.createdAtMs).at(-1)!.id);
  };
  const open = (tab: string): Promise<void> => work.app.page.evaluate((hash) => void (window.location.hash = hash), `#/host/beta/${tab}`);
  const press = (name: string): Promise<void> => work.app.page.getByRole('button', { name, exact: true }).first().click();

  it('says why an environment cannot be built there, with the lines that tell', async () => {
    await open('environments');
    await work.app.page.getByRole('listitem').filter({ hasText: 'Shell' }).getByRole('button', { name: 'Build' }).first().click();
    const { state, canRepeat } = await last('environment.build');
    expect(state).toMatchObject({ kind: 'failed', error: { hint: expect.stringContaining('debootstrap') as string } });
    expect(canRepeat).toBe(true);
  });

  it('takes helpers of other versions away by an upgrade, and everything when it is uninstalled', async () => {
    await onBeta('mkdir -p /var/lib/zap/helper/1111111111111111');
    await press('Actions for beta');
    await work.app.page.getByRole('menuitem', { name: 'Upgrade helper' }).click();
    expect(await last('host.upgrade')).toMatchObject({ state: { kind: 'done' } });
    expect(await onBeta('ls /var/lib/zap/helper')).not.toContain('1111111111111111');
    await press('Actions for beta');
    await work.app.page.getByRole('menuitem', { name: 'Uninstall helper…' }).click();
    await press('Uninstall');
    expect(await last('host.uninstall')).toMatchObject({ state: { kind: 'done' } });
    await work.app.page.getByText('There is no host called beta').waitFor();
    expect((await work.app.snapshot()).hosts.map(({ name }) => name)).not.toContain('beta');
    expect(await onBeta('ls -A /var/lib/zap /run/zap 2>/dev/null || true')).not.toMatch(/helper|environments|pods/);
  });
}
