/** What is done to PODs. */
import { describe, expect, it } from 'vitest';
import { archive, asked, button, card, dialog, eventually, fromMenu, parser, research, ui, visible } from '../support/hands';

export function pods(): void {
  describe('PODs', () => {
    it('are deleted only by typing their name', async () => {
      await card(research).click();
      await ui.page.keyboard.press('Delete');
      await visible('Delete research?');
      expect(await button('Delete').isDisabled()).toBe(true);
      await ui.page.keyboard.type('research');
      await button('Delete').click();
      await eventually(() => asked('pod.delete')).toEqual([{ pod: research }]);
    });

    it('are created from an environment, with network and limits', async () => {
      await ui.page.keyboard.press('Control+n');
      await ui.page.getByRole('radio', { name: /^shell/ }).click({ force: true });
      await ui.page.getByLabel('Name', { exact: true }).fill('research');
      await visible('There is already a POD called research.');
      expect(await button('Create').isDisabled()).toBe(true);
      await ui.page.getByLabel('Name', { exact: true }).fill('lab-1');
      await ui.page.getByRole('radio', { name: /^Own address/ }).click({ force: true });
      await ui.page.getByLabel('Address and prefix').fill('192.168.1.70/24');
      await ui.page.getByLabel('Memory (MiB)').fill('512');
      await button('Create').click();
      await eventually(() => asked('pod.create')).toHaveLength(1);
      expect((await asked('pod.create'))[0]).toMatchObject({ host: 'alpha', name: 'lab-1', network: { profile: 'lan', address: '192.168.1.70', prefixLength: 24 }, limits: { memoryBytes: 512 << 20 } });
    });

    it('are resumed where one wants, cloned, renamed', async () => {
      await card(archive).click();
      await ui.page.keyboard.press('Shift+F10');
      await ui.page.getByRole('menuitem', { name: 'Resume…' }).click();
      await ui.page.getByRole('radio', { name: /^alpha/ }).click({ force: true });
      await button('Resume').click();
      await eventually(() => asked('pod.resume')).toEqual([{ pod: archive, to: 'alpha' }]);
      await card(research).click();
      await ui.page.keyboard.press('F2');
      await ui.page.keyboard.press('Control+a');
      await ui.page.keyboard.type('study');
      await ui.page.keyboard.press('Enter');
      await card(research).getByText('study').waitFor();
      await ui.page.keyboard.press('Control+k');
      await ui.page.keyboard.type('clone');
      await ui.page.keyboard.press('Enter');
      await button('Clone').click();
      await eventually(() => asked('pod.clone')).toEqual([{ pod: research, name: 'study-copy', to: 'alpha', isFresh: false, network: { profile: 'nat' } }]);
    });

    it('are searched, filtered, selected together and listed', async () => {
      await ui.page.keyboard.press('Control+f');
      await ui.page.keyboard.type('shell beta');
      await eventually(() => ui.page.locator('[role="row"][data-key]').count()).toBe(2);
      await ui.page.keyboard.press('Escape');
      await card(research).click();
      await card('000000000003').click({ modifiers: ['Control'] });
      await ui.page.getByRole('toolbar', { name: '2 PODs' }).getByRole('button', { name: 'Move to…' }).click();
      await visible('Move 2 PODs to…');
      await ui.page.keyboard.press('Escape');
      await ui.page.getByRole('radio', { name: 'Show PODs as a list' }).click({ force: true });
      await ui.page.getByRole('columnheader', { name: 'Host' }).click();
      await eventually(() => ui.page.getByRole('rowheader').first().textContent()).toBe('mail');
    });

    it('in doubt go on, or are given up, only after their risk was read', async () => {
      await ui.show('demo', `#/pod/${parser}/details`);
      await button('Run this copy…').click();
      await visible('Let parser go on here, on alpha?');
      expect(await dialog().textContent()).toContain('there are two of one session');
      expect(await ui.page.evaluate(() => document.activeElement?.textContent)).toBe('Cancel');
      expect(await asked('pod.recover')).toEqual([]);
      await button('Run this copy').click();
      await eventually(() => asked('pod.recover')).toEqual([{ pod: parser, decision: 'run-here' }]);
      await ui.show('demo', `#/pod/${parser}/details`);
      await fromMenu('parser', 'Discard this copy…');
      await visible('Discard the copy of parser on alpha?');
      expect(await button('Discard').isDisabled()).toBe(true);
      await ui.page.keyboard.type('parser');
      await button('Discard').click();
      await eventually(() => asked('pod.recover')).toEqual([{ pod: parser, decision: 'discard-here' }]);
    });
  });
}
