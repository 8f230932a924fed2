/** How the window looks: what the system says, what the person chose, and nothing by colour alone. */
import { describe, expect, it } from 'vitest';
import { seriousIssues } from '../support/accessibility';
import { beginMoveToBeta, change, command, dialog, eventually, ui } from '../support/hands';

export function look(): void {
  describe('the look', () => {
    const chosen = () => ui.page.evaluate(() => JSON.parse(JSON.stringify(document.documentElement.dataset)) as Record<string, string>);

    it('follows the system, until a person chooses', async () => {
      await ui.page.emulateMedia({ colorScheme: 'dark', contrast: 'more', reducedMotion: 'reduce' });
      await eventually(chosen).toMatchObject({ theme: 'dark', contrast: 'more', motion: 'reduced' });
      await ui.page.emulateMedia({ colorScheme: 'light', contrast: 'no-preference', reducedMotion: 'no-preference' });
      await eventually(chosen).toMatchObject({ theme: 'light', contrast: 'normal', motion: 'full' });
      await change({ theme: 'dark', contrast: 'more', motion: 'reduced' });
      await eventually(chosen).toMatchObject({ theme: 'dark', contrast: 'more', motion: 'reduced' });
      await ui.page.emulateMedia({ colorScheme: null, contrast: null, reducedMotion: null });
    });

    it.each(['light', 'dark'] as const)('has more contrast where it is wanted, in the %s', async (theme) => {
      await change({ theme, contrast: 'more', motion: 'reduced' });
      expect(await seriousIssues(ui.page, { contrast: 'enhanced' })).toEqual([]);
      await command('app.settings');
      expect(await seriousIssues(ui.page, { contrast: 'enhanced' })).toEqual([]);
    });

    it('keeps still where that is wanted', async () => {
      const moving = () => ui.page.evaluate(() => document.getAnimations().length + [...document.querySelectorAll('*')].filter((element) => parseFloat(getComputedStyle(element).transitionDuration) > 0 || getComputedStyle(element).animationName !== 'none').length);
      await beginMoveToBeta();
      expect(await moving()).toBeGreaterThan(0);
      await change({ motion: 'reduced' });
      await eventually(moving).toBe(0);
    });

    it('says no state by colour alone', async () => {
      const bare = await ui.page.evaluate(() => [...document.querySelectorAll('.badge, .column-head, .nav-item')].filter((element) => !element.querySelector('svg') || element.textContent.trim() === '').length);
      expect(bare).toBe(0);
      const dots = await ui.page.evaluate(() => [...document.querySelectorAll('.column-head > .row > svg')].map((dot) => [dot.getAttribute('aria-label'), new XMLSerializer().serializeToString(dot).replace(/^[^>]*>/, '')]));
      expect(new Set(dots.map(([label]) => label)).size).toBeGreaterThan(2);
      expect(new Set(dots.map(([, shape]) => shape)).size).toBe(new Set(dots.map(([label]) => label)).size);
    });

    it('has room for everything in a small window', async () => {
      const size = await ui.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.getSize());
      await ui.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.setSize(660, 520));
      try {
        await ui.page.waitForFunction(() => window.innerWidth < 700);
        for (const name of ['Add host', 'New POD']) {
          const box = (await ui.page.getByRole('button', { name, exact: true }).boundingBox())!;
          expect(box.x + box.width, name).toBeLessThan(660);
        }
        const overlapping = await ui.page.evaluate(() => {
          const boxes = [...document.querySelectorAll('.page > .toolbar > *')].map((element) => element.getBoundingClientRect()).filter(({ width }) => width > 0);
          return boxes.some((a, at) => boxes.slice(at + 1).some((b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1));
        });
        expect(overlapping).toBe(false);
        await command('pod.create');
        const sheet = (await dialog().boundingBox())!;
        expect(sheet.x).toBeGreaterThan(0);
        expect(sheet.x + sheet.width).toBeLessThan(660);
      } finally {
        await ui.app.evaluate(({ BrowserWindow }, [width, height]) => BrowserWindow.getAllWindows()[0]!.setSize(width!, height!), size);
      }
    });
  });
}
