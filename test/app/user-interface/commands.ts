/** Commands by palette, keys and the native menu. */
import { describe, expect, it } from 'vitest';
import { dialog, eventually, ui, visible } from '../support/hands';

export function commands(): void {
  describe('commands', () => {
    it('are found in the palette, with PODs and hosts', async () => {
      await ui.page.keyboard.press('Control+Shift+P');
      await ui.page.keyboard.type('notebook');
      await ui.page.keyboard.press('Enter');
      await ui.page.getByRole('heading', { name: 'notebook' }).waitFor();
      await ui.page.keyboard.press('Control+k');
      await ui.page.keyboard.type('move to alpha');
      await eventually(() => ui.page.evaluate(() => document.getElementById(document.querySelector('.palette-input')?.getAttribute('aria-activedescendant') ?? '')?.textContent)).toContain('Move to alpha');
      await ui.page.keyboard.press('Enter');
      await visible('Move notebook to alpha?');
    });

    it('are listed with their keys', async () => {
      await ui.page.keyboard.press('Shift+?');
      await visible('Keyboard shortcuts');
      expect(await dialog().locator('dt', { hasText: 'Move to…' }).locator('xpath=../dd').textContent()).toBe('Ctrl+M');
    });

    it('run when the native menu says so, and only known ones', async () => {
      await ui.page.evaluate(() => {
        window.fake.tell('command', { command: 'constructor' });
        window.fake.tell('command', { command: 'app.settings' });
      });
      await visible('Language');
      await ui.page.getByRole('radio', { name: 'Deutsch' }).click({ force: true });
      await visible('Einstellungen');
      expect(await ui.page.evaluate(() => document.documentElement.lang)).toBe('de');
      await ui.page.getByRole('radio', { name: 'Dunkel' }).click({ force: true });
      await eventually(() => ui.page.evaluate(() => document.documentElement.dataset['theme'])).toBe('dark');
      await ui.page.keyboard.press('Escape');
      await visible('Neuer POD');
    });
  });
}
