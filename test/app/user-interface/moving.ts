/** Moving: by mouse, by keyboard, by dialog, and what is told on the way. */
import { describe, expect, it } from 'vitest';
import { asked, beginMoveToBeta, button, card, column, dialog, eventually, research, ui, visible } from '../support/hands';

export function moving(): void {
  describe('moving', () => {
    it('by mouse: every host answers when a card is picked up, a drop asks first, the card shows the way', async () => {
      await card(research).hover();
      await ui.page.mouse.down();
      const box = (await column('beta').locator('.cards').boundingBox())!;
      await ui.page.mouse.move(box.x + 60, box.y + 60, { steps: 4 });
      await ui.page.mouse.move(box.x + 90, box.y + 200, { steps: 4 });
      await ui.page.locator('[data-host="beta"].verdict-ready.column-over').waitFor();
      expect(await column('beta').locator('.column-verdict').textContent()).toBe('Live, 180 MB, pause about 0.31 s');
      expect(await column('gamma').getAttribute('class')).toContain('verdict-impossible');
      expect(await column('gamma').locator('.column-verdict').textContent()).toContain('architecture');
      expect(await column('delta').locator('.column-verdict').textContent()).toContain('cannot be reached');
      await ui.page.mouse.up();

      await visible('Move research to beta?');
      expect(await asked('pod.move')).toEqual([]);
      await visible('Nothing stands in the way');
      expect(await ui.page.evaluate(() => document.activeElement?.textContent)).toBe('Move');
      await ui.page.keyboard.press('Enter');
      await column('beta').getByRole('note').waitFor();
      expect(await asked('pod.move')).toEqual([{ pod: research, to: 'beta', resumes: false }]);

      await ui.page.evaluate(() => window.fake.progress('task-1', { phase: 'memory', bytes: 90e6, totalBytes: 180e6, bytesPerSecond: 112e6 }));
      await visible('Copying while it runs');
      await visible('90 MB of 180 MB · 112 MB/s');
      await ui.page.evaluate(() => window.fake.progress('task-1', { phase: 'restore', frozenSinceMs: Date.now(), isCommitted: true }));
      await visible('Can no longer be cancelled');
      expect(await card(research).getByRole('button', { name: 'Cancel' }).count()).toBe(0);
      await ui.page.evaluate(() => window.fake.end('task-1', { kind: 'done', outcome: { downtimeMs: 312, totalMs: 2100 } }));
      await visible('research runs on beta now');
      await visible('It was paused for 0.31 s.');
      expect(await column('beta').locator(`[data-key="${research}"]`).count()).toBe(1);
      await button('Move back').click();
      await eventually(() => asked('pod.move')).toHaveLength(2);
      expect((await asked('pod.move'))[1]).toEqual({ pod: research, to: 'alpha', resumes: false });
    });

    it('by keyboard: picked up, announced, dropped', async () => {
      await card(research).focus();
      await ui.page.keyboard.press('ArrowRight');
      expect(await ui.page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Move research');
      await ui.page.keyboard.press('Enter');
      await eventually(() => ui.page.locator('.window > [role="status"]').textContent()).toContain('gamma: gamma is aarch64');
      expect(await ui.page.locator('[data-live-announcer]').textContent()).toContain('Drop on');
      // What is spoken of the place that has the focus: its own words, and those that it refers to.
      const spoken = () => ui.page.evaluate(() => (document.activeElement?.getAttribute('aria-labelledby') ?? '').split(' ').map((id) => document.getElementById(id)?.getAttribute('aria-label')).join(' '));
      expect(await spoken()).toBe('Drop on beta: Live, 180 MB, pause about 0.31 s');
      await ui.page.keyboard.press('Tab');
      expect(await spoken()).toBe('Drop on This computer: Not known yet whether it can run here');
      await ui.page.keyboard.press('Shift+Tab');
      await ui.page.keyboard.press('Enter');
      await visible('Move research to beta?');
      await ui.page.keyboard.press('Escape');
      await dialog().waitFor({ state: 'detached' });
      expect(await asked('pod.move')).toEqual([]);
    });

    it('is put back by Escape', async () => {
      await card(research).focus();
      await ui.page.keyboard.press('ArrowRight');
      await ui.page.keyboard.press('Enter');
      await column('beta').locator('.column-verdict').waitFor();
      await ui.page.keyboard.press('Escape');
      await column('beta').locator('.column-verdict').waitFor({ state: 'detached' });
      expect(await dialog().count()).toBe(0);
    });

    it('by dialog: hosts that cannot take it are there, and say why', async () => {
      await card(research).click();
      await ui.page.keyboard.press('Control+m');
      const gamma = ui.page.getByRole('option', { name: /gamma/ });
      await gamma.waitFor();
      expect(await gamma.getAttribute('aria-disabled')).toBe('true');
      expect(await gamma.textContent()).toContain('aarch64');
      await ui.page.getByRole('option', { name: /beta/ }).click();
      await visible('Move research to beta?');
    });

    it('leaves memory behind for a return only when asked to', async () => {
      await card(research).click();
      await ui.page.keyboard.press('Control+m');
      await ui.page.getByRole('option', { name: /beta/ }).click();
      await ui.page.getByText('Leave its memory on alpha, encrypted').click();
      await button('Move').click();
      await eventually(() => asked('pod.move')).toEqual([{ pod: research, to: 'beta', resumes: false, keepsMemory: true }]);
    });

    it('is cancelled until it commits', async () => {
      await beginMoveToBeta();
      await card(research).getByRole('button', { name: 'Cancel' }).click();
      await column('beta').getByRole('note').waitFor({ state: 'detached' });
      expect(await asked('task.cancel')).toEqual([{ task: 'task-1' }]);
    });

    it('that fails says first where the POD is, and shows its evidence', async () => {
      await beginMoveToBeta();
      await ui.page.evaluate(() => window.fake.end('task-1', { kind: 'failed', error: { code: 'criu/restore-failed', message: 'CRIU could not restore it on beta.', hint: 'Try again.', evidence: ['Error (criu/files.c:1): no such file'] }, whereabouts: { host: 'alpha', state: 'running' } }));
      const notice = ui.page.locator('.notice-bad');
      await notice.waitFor();
      expect((await notice.locator('.strong').first().textContent())!).toBe('Still running on alpha. Nothing was lost.');
      await notice.getByRole('button', { name: 'Show details' }).click();
      await notice.waitFor({ state: 'detached' });
      await ui.page.getByRole('button', { name: '1 line of the log' }).click();
      await visible('Error (criu/files.c:1): no such file');
      expect(await column('alpha').locator(`[data-key="${research}"]`).count()).toBe(1);
    });

    it('without a warning starts at once for those who chose so', async () => {
      await ui.page.evaluate(() => window.zap.call('settings.change', { skipsPlan: true }));
      await card(research).click();
      await ui.page.keyboard.press('Control+m');
      await ui.page.getByRole('option', { name: /beta/ }).click();
      await eventually(() => asked('pod.move')).toHaveLength(1);
    });
  });
}
