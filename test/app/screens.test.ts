/** Desktops and terminals on screen, in the real app on real hosts, while their POD moves. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { readPng } from '../integration/support/png';
import { describeInLab, type HostName } from '../integration/support/suite';
import { until } from '../integration/support/until';
import { AppStage, type RunningApp } from './support/app';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { tmpdir } from 'node:os';

const podName = 'onscreen';

describeInLab('screens', (suite) => {
  let stage: AppStage;
  let app: RunningApp;
  let page: Page;
  let pod: string;
  let host: HostName = 'alpha';

  beforeAll(async () => {
    ({ pod: { id: pod } } = await suite.create(podName, { options: [...suite.lan(suite.newAddress()), '--geometry', '800x600'], command: null }));
    stage = await AppStage.open();
    app = await stage.launch(suite.zap.home);
    ({ page } = app);
    await app.state('the POD', ({ pods }) => pods.some(({ id, state }) => id === pod && state.kind === 'running'));
  }, 180_000);
  afterAll(async () => {
    await app?.close();
    await stage?.close();
    await suite.delete(podName);
  }, 60_000);

  const inside = (...command: string[]): Promise<string> => suite.exec(podName, ...command).then(({ stdout }) => stdout);
  const open = (tab: 'desktop' | 'terminal'): Promise<void> => page.evaluate((hash) => void (window.location.hash = hash), `#/pod/${pod}/${tab}`);
  const move = async (): Promise<void> => {
    host = suite.other(host);
    const { task } = await app.call('pod.move', { pod, to: host, resumes: true });
    expect((await app.ended(task)).state.kind).toBe('done');
  };
  const onHost = (selector: string): Promise<unknown> => page.waitForSelector(`${selector}[data-state="open"][data-host="${host}"]:visible`);

  describe('a desktop', () => {
    test('shows its picture, takes what is typed, and says where the keys go', async () => {
      await suite.zap.json('pod', 'exec', podName, '--detach', '--', 'sh', '-c', 'DISPLAY=:1 exec xterm -geometry 40x5+300+450 -e sh -c "stty -icanon -echo; exec cat >/home/user/typed"');
      await until('a window to type in', async () => (await inside('sh', '-c', 'test -e /home/user/typed && echo yes || true')).trim() === 'yes');
      await open('desktop');
      await onHost('.desktop-screen');
      await until('a picture', async () => (await picture(page))?.colours !== 1);
      expect(await picture(page)).toMatchObject({ width: 800, height: 600 });
      await pointAt(page, 400, 500);
      await page.waitForSelector('.desktop-grab');
      await page.keyboard.type('before ');
      await until('what was typed', async () => (await inside('cat', '/home/user/typed')) === 'before ');
    });

    test('keeps its last frame under a veil while it moves, goes on by itself, and gets what was typed meanwhile', async () => {
      await page.evaluate(() => {
        const seen: string[] = [];
        Object.assign(window, { seen });
        const look = (): void => {
          const screen = document.querySelector('.desktop-screen');
          const state = screen?.getAttribute('data-state') ?? 'none';
          const canvas = screen?.querySelector('canvas');
          const hasPicture = (canvas?.width ?? 0) > 0 && canvas!.getContext('2d')!.getImageData(50, 50, 200, 100).data.some((value, at) => at % 4 !== 3 && value > 0);
          const isVeiled = document.querySelector('.veil')?.getAttribute('data-shown') === 'true';
          const now = `${state}${isVeiled ? ' veiled' : ''}${hasPicture ? '' : ' blank'}`;
          if (seen.at(-1) !== now) seen.push(now);
          requestAnimationFrame(look);
        };
        look();
      });
      let isOver = false;
      let typed = '';
      const typing = (async () => {
        for (let n = 0; !isOver; n++) {
          await page.keyboard.type(`${n} `);
          typed += `${n} `;
        }
      })();
      await move();
      isOver = true;
      await typing;
      await onHost('.desktop-screen');
      const expected = `before ${typed}`;
      await until('what was typed', async () => (await inside('cat', '/home/user/typed')).length >= expected.length);
      expect(await inside('cat', '/home/user/typed')).toBe(expected);
      expect(await page.evaluate(() => (window as unknown as { seen: string[] }).seen)).toEqual(['open', 'paused veiled', 'open']);
    });

    test('paints what is on the screen after moves, too', async () => {
      await move();
      await onHost('.desktop-screen');
      const scratch = await mkdtemp(join(tmpdir(), 'zap-screens-'));
      try {
        await until('the same picture', async () => {
          await suite.zap.json('pod', 'screenshot', podName, join(scratch, 'screen.png'));
          const real = readPng(await readFile(join(scratch, 'screen.png')));
          const shown = await pixels(page);
          let different = 0;
          for (let at = 0; at < real.width * real.height; at++) {
            if ([0, 1, 2].some((channel) => Math.abs(real.rgb[at * 3 + channel]! - shown[at * 4 + channel]!) > 48)) different++;
          }
          return different / (real.width * real.height) < 0.01; // the counter goes on
        });
      } finally {
        await rm(scratch, { recursive: true, force: true });
      }
    });

    test('fills the screen, and one chord gives keys and screen back', async () => {
      await page.click('button[aria-label="Full screen"]');
      await page.waitForFunction(() => document.fullscreenElement?.classList.contains('desktop'));
      await page.waitForSelector('.desktop-grab');
      await page.keyboard.press('Control+Alt+Escape');
      await page.waitForFunction(() => document.fullscreenElement === null);
      await page.waitForSelector('.desktop-grab', { state: 'detached' });
      await pointAt(page, 100, 100);
      await page.keyboard.press('Control+Shift+P');
      await page.waitForSelector('[role="dialog"]:visible');
      await page.keyboard.press('Escape');
    });

    test('is not touched by who only looks, and is shown in its own size', async () => {
      const before = await inside('cat', '/home/user/typed');
      await page.click('button[aria-label="Look without touching"]');
      await pointAt(page, 400, 500);
      await page.keyboard.type('nothing');
      await page.click('button[aria-label="Look without touching"]');
      await page.click('button[aria-label="Fit to the window"]');
      await page.waitForFunction(() => document.querySelector('.desktop-screen canvas')?.getBoundingClientRect().width === 800);
      await page.click('button[aria-label="Actual size"]');
      await pointAt(page, 400, 500);
      await page.keyboard.type('!');
      await until('what was typed', async () => (await inside('cat', '/home/user/typed')) === `${before}!`);
    });
  });

  describe('a terminal', () => {
    const rows = (): Promise<string[]> => page.$$eval('.terminal-pane:not([hidden]) > .terminal-screen .xterm-accessibility-tree > *', (lines) => lines.map((line) => line.textContent.trimEnd()));

    test('goes on while its POD moves, and its earlier lines are all there, to be scrolled and searched', async () => {
      await app.call('settings.change', { terminalScreenReader: true });
      await open('terminal');
      await onHost('.terminal-screen');
      await page.keyboard.type('n=7; for i in $(seq 1 300); do echo "line $i"; done\n');
      await until('the last lines', async () => (await rows()).includes('line 300'));
      await move();
      await onHost('.terminal-screen');
      await page.keyboard.type('echo kept-$((n*6))\n');
      await until('an answer', async () => (await rows()).includes('kept-42'));
      await page.mouse.move(600, 500);
      await page.mouse.wheel(0, -400);
      await page.waitForSelector('.terminal-history');
      await page.keyboard.press('Control+Shift+F');
      await page.fill('input[type="search"]', 'line 1');
      await page.waitForFunction(() => document.querySelector('.terminal-history [role="status"]')?.textContent?.endsWith('of 111'));
      await page.keyboard.press('Escape');
      await page.waitForSelector('.terminal-history', { state: 'detached' });
    });

    test('asks before several lines are pasted', async () => {
      await page.evaluate(() => navigator.clipboard.writeText('echo one-$((1+1))\necho two\n'));
      await page.click('.terminal-pane:not([hidden]) .xterm');
      await page.keyboard.press('Control+Shift+V');
      await page.waitForSelector('text=Paste 2 lines?');
      await page.click('button:has-text("Cancel")');
      await page.waitForSelector('text=Paste 2 lines?', { state: 'detached' });
      expect(await rows()).not.toContain('one-2');
      await page.click('.terminal-pane:not([hidden]) .xterm');
      await page.keyboard.press('Control+Shift+V');
      await page.click('[role="dialog"] button:has(:text-is("Paste"))');
      await page.waitForSelector('text=Paste 2 lines?', { state: 'detached' });
      await page.keyboard.press('Enter'); // bash waits for it after a paste
      await until('the lines', async () => (await rows()).includes('one-2'));
    });

    test('has tabs, which live in the POD', async () => {
      await page.keyboard.press('Control+Shift+T');
      await page.waitForSelector('[role="tab"][data-name="t2"][aria-selected="true"]');
      await onHost('.terminal-pane:not([hidden]) .terminal-screen');
      expect((await app.call('terminal.list', { pod })).terminals.map(({ name }) => name).sort()).toEqual(['main', 't2']);
      await page.keyboard.type('exit\n');
      await page.waitForSelector('[role="tab"][data-name="t2"]', { state: 'detached' });
      await page.waitForSelector('[role="tab"][data-name="main"][aria-selected="true"]');
    });
  });

  test('what ends inside the POD is said in words', async () => {
    await open('desktop');
    await onHost('.desktop-screen');
    await inside('pkill', 'Xtigervnc');
    await page.waitForSelector('text=The desktop has ended');
  });
});

/** The canvas's size, and how many colours a part of it has. */
async function picture(page: Page): Promise<{ width: number; height: number; colours: number } | undefined> {
  return page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>('.desktop-screen canvas');
    if (!canvas || canvas.width === 0) return undefined;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    return { width: canvas.width, height: canvas.height, colours: new Set(new Uint32Array(data.buffer)).size };
  });
}

async function pixels(page: Page): Promise<Buffer> {
  const encoded = await page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>('.desktop-screen canvas')!;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    let text = '';
    for (let at = 0; at < data.length; at += 32_768) text += String.fromCharCode(...data.subarray(at, at + 32_768));
    return btoa(text);
  });
  return Buffer.from(encoded, 'base64');
}

/** Clicks where the POD's screen has this point. */
async function pointAt(page: Page, x: number, y: number): Promise<void> {
  const box = (await page.locator('.desktop-screen canvas').boundingBox())!;
  await page.mouse.click(box.x + (x / 800) * box.width, box.y + (y / 600) * box.height);
}

