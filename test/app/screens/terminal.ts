/** A POD's terminals on screen. */
import { describe, expect, test } from 'vitest';
import { until } from '../../integration/support/until';
import type { Screening } from './screening';

export function terminals(on: Screening): void {
  describe('a terminal', () => {
    const rows = (): Promise<string[]> => on.page.$$eval('.terminal-pane:not([hidden]) > .terminal-screen .xterm-accessibility-tree > *', (lines) => lines.map((line) => line.textContent.trimEnd()));

    test('goes on while its POD moves, and its earlier lines are all there, to be scrolled and searched', async () => {
      await on.app.call('settings.change', { terminalScreenReader: true });
      await on.open('terminal');
      await on.onHost('.terminal-screen');
      await on.page.keyboard.type('n=7; for i in $(seq 1 300); do echo "line $i"; done\n');
      await until('the last lines', async () => (await rows()).includes('line 300'));
      await on.move();
      await on.onHost('.terminal-screen');
      await on.page.keyboard.type('echo kept-$((n*6))\n');
      await until('an answer', async () => (await rows()).includes('kept-42'));
      await on.page.mouse.move(600, 500);
      await on.page.mouse.wheel(0, -400);
      await on.page.waitForSelector('.terminal-history');
      await on.page.keyboard.press('Control+Shift+F');
      await on.page.fill('input[type="search"]', 'line 1');
      await on.page.waitForFunction(() => document.querySelector('.terminal-history [role="status"]')?.textContent?.endsWith('of 111'));
      await on.page.keyboard.press('Escape');
      await on.page.waitForSelector('.terminal-history', { state: 'detached' });
    });

    test('is drawn as text where no graphics card is, and shows the end of a flood', async () => {
      const hasCard = await on.page.evaluate(() => document.createElement('canvas').getContext('webgl2', { failIfMajorPerformanceCaveat: true }) !== null);
      expect(await on.page.$$eval('.terminal-pane:not([hidden]) .xterm-screen canvas', (drawn) => drawn.length > 0)).toBe(hasCard);
      await on.page.keyboard.type('clear; seq 1 1000000; echo flood-$((6*7))\n');
      await until('the end of the flood', async () => (await rows()).includes('flood-42'));
      expect(await rows()).toContain('1000000');
    });

    test('asks before several lines are pasted', async () => {
      await on.page.evaluate(() => navigator.clipboard.writeText('echo one-$((1+1))\necho two\n'));
      await on.page.click('.terminal-pane:not([hidden]) .xterm');
      await on.page.keyboard.press('Control+Shift+V');
      await on.page.waitForSelector('text=Paste 2 lines?');
      await on.page.click('button:has-text("Cancel")');
      await on.page.waitForSelector('text=Paste 2 lines?', { state: 'detached' });
      expect(await rows()).not.toContain('one-2');
      await on.page.click('.terminal-pane:not([hidden]) .xterm');
      await on.page.keyboard.press('Control+Shift+V');
      await on.page.click('[role="dialog"] button:has(:text-is("Paste"))');
      await on.page.waitForSelector('text=Paste 2 lines?', { state: 'detached' });
      await on.page.keyboard.press('Enter'); // bash waits for it after a paste
      await until('the lines', async () => (await rows()).includes('one-2'));
    });

    test('has tabs, which live in the POD', async () => {
      await on.page.keyboard.press('Control+Shift+T');
      await on.page.waitForSelector('[role="tab"][data-name="t2"][aria-selected="true"]');
      await on.onHost('.terminal-pane:not([hidden]) .terminal-screen');
      expect((await on.app.call('terminal.list', { pod: on.pod })).terminals.map(({ name }) => name).sort()).toEqual(['main', 't2']);
      await on.page.keyboard.type('exit\n');
      await on.page.waitForSelector('[role="tab"][data-name="t2"]', { state: 'detached' });
      await on.page.waitForSelector('[role="tab"][data-name="main"][aria-selected="true"]');
    });

    test('gets what was typed while its POD moved, once and in order', async () => {
      // A line that is not finished waits in the kernel's terminal, which CRIU does not look into: what reads each key loses none.
      await on.page.keyboard.type('stty -icanon -echo; cat >/home/user/lines; stty icanon echo\n');
      await until('it waits for lines', async () => (await on.inside('sh', '-c', 'test -e /home/user/lines && echo yes || true')).trim() === 'yes');
      const typed = await on.moveWhile(async (turn) => {
        await on.page.keyboard.type(`${turn}\n`);
        return `${turn}\n`;
      });
      await on.onHost('.terminal-screen');
      await on.reads('/home/user/lines', typed).finally(() => on.page.keyboard.press('Control+c'));
    });

    test('lets programs set the clipboard only where a person wants it', async () => {
      const say = (text: string): Promise<void> => on.page.keyboard.type(`printf '\\033]52;c;%s\\007' ${Buffer.from(text).toString('base64')}; echo sa''id-${text}\n`);
      await on.copy('of this computer');
      await on.page.click('.terminal-pane:not([hidden]) .xterm');
      await say('early');
      await until('it was said', async () => (await rows()).includes('said-early'));
      expect(await on.clipboard()).toBe('of this computer');
      await on.app.call('settings.change', { desktopClipboard: true });
      await say('later');
      await until('its text is ours', async () => (await on.clipboard()) === 'later');
      await on.app.call('settings.change', { desktopClipboard: false });
    });

    test('opens addresses, also those behind words, after a person has seen where they lead', async () => {
      await on.app.app.evaluate(({ dialog, shell }) => {
        const opened: string[] = [];
        Object.assign(globalThis, { opened });
        shell.openExternal = async (url: string) => void opened.push(url);
        dialog.showMessageBox = (async (_window: unknown, { detail }: { detail: string }) => (opened.push(`asked ${detail}`), { response: detail.endsWith('/no') ? 1 : 0, checkboxChecked: false })) as unknown as typeof dialog.showMessageBox;
      });
      const opened = (): Promise<string[]> => on.app.app.evaluate(() => (globalThis as unknown as { opened: string[] }).opened);
      await on.page.keyboard.type("clear; echo https://example.org/no; printf '\\033]8;;https://example.org/hidden\\033\\\\words\\033]8;;\\033\\\\\\n'\n");
      for (const [line, url] of [['https://example.org/no', 'https://example.org/no'], ['words', 'https://example.org/hidden']] as const) {
        await until(`"${line}" is there`, async () => (await rows()).includes(line));
        const box = (await on.page.locator('.terminal-pane:not([hidden]) > .terminal-screen .xterm-screen').boundingBox())!;
        const all = await rows();
        const y = box.y + ((all.indexOf(line) + 0.5) * box.height) / all.length;
        await on.page.mouse.move(box.x + 60, y + 40);
        await on.page.mouse.move(box.x + 20, y, { steps: 3 });
        await until(`${url} is shown`, async () => {
          await on.page.mouse.click(box.x + 20, y);
          return (await opened()).includes(`asked ${url}`);
        }, { everyMs: 300 });
      }
      await until('the second is opened', async () => (await opened()).includes('https://example.org/hidden'));
      expect(await opened()).not.toContain('https://example.org/no');
    });
  });
}
