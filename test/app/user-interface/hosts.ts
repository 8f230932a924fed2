/** What is done to hosts. */
import { describe, expect, it } from 'vitest';
import { asked, button, column, dialog, eventually, fromMenu, sandbox, ui, visible } from '../support/hands';

export function hosts(): void {
  describe('hosts', () => {
    it('are offered from the SSH configuration on the first run', async () => {
      await ui.show('empty');
      await visible('Your sessions, on any of your machines');
      await ui.page.getByRole('checkbox', { name: /build-farm/ }).click({ force: true });
      await button('Add 1 host').click();
      await eventually(() => asked('host.add')).toEqual([{ host: 'build-farm', destination: 'build-farm' }]);
    });

    it('are added by their address, under a name that is free', async () => {
      await ui.page.keyboard.press('Control+Shift+N');
      await ui.page.getByLabel('Where it is').fill('anna@alpha.example');
      expect(await ui.page.getByLabel('What you call it').inputValue()).toBe('alpha.example');
      await ui.page.getByLabel('What you call it').fill('alpha');
      await visible('There is already a host called alpha.');
      await ui.page.getByLabel('What you call it').fill('alpha-2');
      await ui.page.getByLabel('Through (optional)').fill('gate');
      await button('Add').click();
      await eventually(() => asked('host.add')).toEqual([{ host: 'alpha-2', destination: 'anna@alpha.example', jump: 'gate' }]);
    });

    it('are checked, mended, evacuated and removed', async () => {
      await ui.show('demo', '#/host/alpha/health');
      await button('Check again').click();
      await eventually(() => asked('host.doctor')).toEqual([{ host: 'alpha' }]);
      await button('Fix').click();
      await eventually(() => asked('host.fix')).toEqual([{ host: 'alpha', finding: 'host/clock' }]);
      await button('Actions for alpha').click();
      await ui.page.getByRole('menuitem', { name: 'Evacuate host…' }).click();
      await button('Move 3 PODs').click();
      await eventually(() => asked('host.evacuate')).toEqual([{ host: 'alpha' }]);
      await button('Actions for alpha').click();
      await ui.page.getByRole('menuitem', { name: 'Remove host…' }).click();
      await button('Remove').click();
      await column('beta').waitFor();
      expect(await column('alpha').count()).toBe(0);
    });

    it('are upgraded, and have environments built and removed', async () => {
      await ui.show('demo', '#/host/alpha/environments');
      await button('Build').click();
      await eventually(() => asked('environment.build')).toEqual([{ host: 'alpha', recipe: 'desktop-xfce' }]);
      await button('Building…').waitFor();
      expect(await button('Remove desktop').isDisabled()).toBe(true); // a POD uses it
      await button('Remove web').click();
      await eventually(() => asked('environment.remove')).toHaveLength(1);
      await fromMenu('alpha', 'Upgrade helper');
      await eventually(() => asked('host.upgrade')).toEqual([{ host: 'alpha' }]);
    });

    it('keep their helper while they have PODs, and lose it afterwards', async () => {
      await ui.show('demo', '#/host/gamma');
      await fromMenu('gamma', 'Uninstall helper…');
      await visible('There is 1 POD on gamma. Move or delete it first.');
      expect(await button('Uninstall').count()).toBe(0);
      await dialog().getByRole('button', { name: 'Evacuate host…' }).click();
      await visible('Evacuate gamma');
      await ui.page.keyboard.press('Escape');
      await ui.page.evaluate((pod) => window.fake.change({ kind: 'pod-gone', pod }), sandbox);
      await fromMenu('gamma', 'Uninstall helper…');
      expect(await asked('host.uninstall')).toEqual([]);
      await button('Uninstall').click();
      await eventually(() => asked('host.uninstall')).toEqual([{ host: 'gamma' }]);
    });
  });
}
