/** The drawer of tasks. */
import { describe, expect, it } from 'vitest';
import { asked, beginMoveToBeta, button, clipboard, column, command, eventually, ui } from '../support/hands';

export function tasks(): void {
  describe('tasks', () => {
    it('survive a reload of the window', async () => {
      await beginMoveToBeta();
      const state = await ui.page.evaluate(() => window.fake.state);
      await ui.page.reload();
      await ui.page.evaluate((snapshot) => {
        window.fake.state = snapshot;
        window.fake.tell('restarted', {});
      }, state);
      await column('beta').getByRole('note').waitFor();
      await ui.page.keyboard.press('Control+j');
      await ui.page.getByRole('complementary', { name: 'Tasks' }).getByText('Move research from alpha to beta').waitFor();
    });

    it('are done again, and their log and a report on them copied', async () => {
      await command('app.tasks');
      const drawer = ui.page.getByRole('complementary', { name: 'Tasks' });
      await drawer.getByRole('button', { name: /^Done Check alpha/ }).click();
      await button('Copy log').click();
      await eventually(clipboard).toBe('host.doctor\nprepare 12 ms\n');
      await button('Copy diagnostics').click();
      await eventually(clipboard).toBe('Zap 0.1.0\n');
      expect(await asked('app.diagnostics')).toEqual([{ task: 'doctor-alpha' }]);
      await button('Run again').click();
      await eventually(() => asked('task.repeat')).toEqual([{ task: 'doctor-alpha' }]);
      await drawer.getByRole('radio', { name: 'Running' }).click({ force: true });
      await eventually(() => drawer.getByRole('listitem').count()).toBe(1);
    });

    it('say in words what they are, and are cancelled from the drawer', async () => {
      await beginMoveToBeta();
      await command('app.tasks');
      const drawer = ui.page.getByRole('complementary', { name: 'Tasks' });
      await drawer.getByRole('button', { name: /^Running Move research from alpha to beta/ }).waitFor();
      await drawer.getByRole('button', { name: 'Cancel' }).click();
      await drawer.getByText('Still running on alpha. Nothing was lost.').waitFor();
    });
  });
}
