/** Every page, every dialog and every question, in both themes, looked at by axe. */
import { describe, expect, it } from 'vitest';
import { seriousIssues } from '../support/accessibility';
import { archive, card, change, command, dialog, go, notebook, parser, research, ui, visible } from '../support/hands';

type Open = () => Promise<unknown>;

export function everyPage(): void {
  describe('axe finds nothing serious', () => {
    const issues = async (): Promise<string[]> => {
      const found: string[] = [];
      for (const theme of ['light', 'dark'] as const) {
        await change({ theme, motion: 'reduced' });
        await ui.page.waitForFunction((wanted) => document.documentElement.dataset['theme'] === wanted, theme);
        found.push(...(await seriousIssues(ui.page)).map((issue) => `${theme}: ${issue}`));
      }
      return found;
    };
    const press = (keys: string): Open => () => ui.page.keyboard.press(keys);
    /** A dialog of a command, on what the page shows. */
    const asks = (id: string): Open => async () => {
      await command(id);
      await dialog().waitFor();
    };
    const nothing: Open = async () => {};

    const pages: [name: string, hash: string, opened: [name: string, open: Open][]][] = [
      ['overview', '#/', [['as it is', nothing], ['palette', press('Control+k')], ['shortcuts', press('Shift+?')], ['settings', press('Control+,')], ['new POD', press('Control+n')], ['new host', press('Control+Shift+N')]]],
      ['host', '#/host/alpha/health', [['as it is', nothing], ['evacuate', asks('host.evacuate')], ['uninstall', asks('host.uninstall')], ['remove', asks('host.remove')], ['log', asks('host.log')]]],
      ['host’s PODs', '#/host/alpha', [['as it is', nothing]]],
      ['host’s environments', '#/host/alpha/environments', [['as it is', nothing]]],
      ['lost host', '#/host/delta', [['as it is', nothing]]],
      ['host that is gone', '#/host/nowhere', [['as it is', nothing]]],
      ['POD', `#/pod/${research}/details`, [['as it is', nothing], ['move', asks('pod.move')], ['clone', asks('pod.clone')], ['rename', asks('pod.rename')], ['delete', asks('pod.delete')], ['log', asks('pod.log')]]],
      ['POD’s history', `#/pod/${research}/history`, [['as it is', nothing]]],
      ['POD’s desktop', `#/pod/${research}/desktop`, [['as it is', nothing]]],
      ['POD’s terminal', `#/pod/${research}/terminal`, [['as it is', nothing]]],
      ['suspended POD', `#/pod/${archive}/details`, [['as it is', nothing], ['resume', asks('pod.resume')]]],
      ['POD in doubt', `#/pod/${parser}/details`, [['as it is', nothing], ['run here', asks('pod.recover-here')], ['discard', asks('pod.discard-here')]]],
      ['POD that is gone', '#/pod/0000000000ff', [['as it is', nothing]]],
    ];
    it.each(pages)('on the page "%s"', async (_name, hash, opened) => {
      await go(hash);
      for (const [name, open] of opened) {
        await open();
        expect(await issues(), name).toEqual([]);
        if (open !== nothing) await ui.page.keyboard.press('Escape');
        await dialog().waitFor({ state: 'detached' });
      }
    });

    it('on the first run', async () => {
      await ui.show('empty');
      expect(await issues()).toEqual([]);
    });

    it('on the list, with PODs selected, on the menu and the plan sheet', async () => {
      await change({ overview: 'list' });
      await ui.page.getByRole('grid', { name: 'PODs' }).waitFor();
      await ui.page.getByRole('row', { name: /notebook/ }).click();
      await ui.page.getByRole('row', { name: /research/ }).click({ modifiers: ['Control'] });
      expect(await issues()).toEqual([]);
      await change({ overview: 'columns' });
      await card(research).click();
      await ui.page.keyboard.press('Shift+F10');
      await ui.page.getByRole('menu').waitFor();
      expect(await issues()).toEqual([]);
      await ui.page.keyboard.press('Escape');
      await ui.page.getByRole('menu').waitFor({ state: 'detached' });
      await ui.page.keyboard.press('Control+m');
      await ui.page.getByRole('option', { name: /beta/ }).click();
      await visible('Nothing stands in the way');
      expect(await issues()).toEqual([]);
    });

    it('while PODs move, on tasks, and on what is told of their end', async () => {
      await ui.page.evaluate(
        async ([first, second]) => {
          await window.zap.call('pod.move', { pod: first!, to: 'beta', resumes: false });
          await window.zap.call('pod.move', { pod: second!, to: 'alpha', resumes: false });
          window.fake.progress('task-1', { phase: 'memory', bytes: 90e6, totalBytes: 180e6, bytesPerSecond: 112e6 });
          window.fake.progress('task-2', { phase: 'restore', frozenSinceMs: Date.now(), isCommitted: true });
        },
        [research, notebook],
      );
      await visible('Can no longer be cancelled');
      expect(await issues()).toEqual([]);
      await ui.page.evaluate(() => {
        window.fake.end('task-1', { kind: 'failed', error: { code: 'criu/restore-failed', message: 'CRIU could not restore it on beta.', hint: 'Try again.', evidence: ['Error (criu/files.c:1): no such file'] }, whereabouts: { host: 'alpha', state: 'running' } });
        window.fake.end('task-2', { kind: 'done', outcome: { downtimeMs: 312, totalMs: 2100 } });
      });
      await ui.page.locator('.notice-bad').getByRole('button', { name: 'Show details' }).click();
      await visible('criu/restore-failed');
      expect(await issues()).toEqual([]);
    });

    it('on questions', async () => {
      const prompts = [
        { kind: 'host-key', id: 'p1', host: 'alpha', address: 'alpha:22', keyType: 'ssh-ed25519', fingerprint: 'SHA256:abc', otherTypes: ['ssh-rsa'] },
        { kind: 'secret', id: 'p2', host: 'alpha', question: 'Password for sudo on alpha:', canRemember: true },
        { kind: 'text', id: 'p3', host: 'alpha', question: 'Code:' },
        { kind: 'confirm', id: 'p4', host: 'alpha', lines: ['apt-get update'], question: 'Run this as root on alpha?' },
      ] as const;
      for (const prompt of prompts) {
        await ui.page.evaluate((asked) => window.fake.change({ kind: 'prompt', prompt: { ...asked, ...('otherTypes' in asked ? { otherTypes: [...asked.otherTypes] } : {}), ...('lines' in asked ? { lines: [...asked.lines] } : {}) } as never }), prompt);
        await ui.page.getByRole('alertdialog').waitFor();
        expect(await issues(), prompt.kind).toEqual([]);
        await ui.page.evaluate((id) => window.fake.change({ kind: 'prompt-gone', prompt: id }), prompt.id);
        await ui.page.getByRole('alertdialog').waitFor({ state: 'detached' });
      }
    });
  });
}
