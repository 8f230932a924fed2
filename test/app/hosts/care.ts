/** What is done to a host itself, from its page: mended, upgraded, given an environment, left. */
import { expect, it } from 'vitest';
import type { Task } from '../../../main/contract';
import { withoutNft } from '../../integration/support/without-nft';
import type { AtWork } from './at-work';

export function care(work: AtWork): void {
  const onBeta = (script: string): Promise<string> => work.suite.lab.exec('beta', ['sh', '-c', script]).then(({ stdout }) => stdout);
  const last = async (kind: Task['kind']): Promise<Task> => {
    const { tasks } = await work.app.state(`${kind} has begun`, (snapshot) => snapshot.tasks.some((task) => task.kind === kind));
    return work.app.ended(tasks.filter((task) => task.kind === kind).sort((a, b) => a.createdAtMs - b.createdAtMs).at(-1)!.id);
  };
  const open = (tab: string): Promise<void> => work.app.page.evaluate((hash) => void (window.location.hash = hash), `#/host/beta/${tab}`);
  const press = (name: string): Promise<void> => work.app.page.getByRole('button', { name, exact: true }).first().click();

  it('finds what a host lacks, and brings it after showing what it will run', async () => {
    await onBeta(`${withoutNft}\ncp index Packages`);
    const finding = work.app.page.locator('.finding').filter({ hasText: '"nft"' });
    try {
      await open('health');
      await work.app.page.getByRole('tabpanel').getByRole('button', { name: 'Check host', exact: true }).click();
      await finding.waitFor();
      await finding.getByRole('button', { name: 'Fix', exact: true }).click();
      const asked = work.app.page.getByRole('alertdialog').filter({ hasText: 'Run this as root on beta?' });
      await asked.getByText('apt-get install -y --no-install-recommends nftables').waitFor();
      expect(await onBeta('command -v nft || echo gone')).toBe('gone\n');
      await asked.getByRole('button', { name: 'No', exact: true }).click();
      expect(await last('host.fix')).toMatchObject({ state: { kind: 'cancelled' } });
      expect(await onBeta('command -v nft || echo gone')).toBe('gone\n');
      await finding.getByRole('button', { name: 'Fix', exact: true }).click();
      await asked.getByRole('button', { name: 'Yes', exact: true }).click();
      await finding.waitFor({ state: 'detached' });
      expect(await last('host.fix')).toMatchObject({ state: { kind: 'done', outcome: { note: 'nftables' } } });
      expect(await onBeta("dpkg-query -W -f '${Status} ${Version}' nftables; nft --version >/dev/null && echo ', and it runs'")).toBe('install ok installed 99, and it runs\n');
    } finally {
      await onBeta('mv /etc/apt/sources.list.away /etc/apt/sources.list');
    }
  });

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
