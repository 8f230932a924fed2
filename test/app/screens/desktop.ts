/** A POD's desktop on screen. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { readPng } from '../../integration/support/png';
import { until } from '../../integration/support/until';
import type { Screening } from './screening';

export function desktops(on: Screening): void {
  describe('a desktop', () => {
    test('shows its picture, takes what is typed, and says where the keys go', async () => {
      await on.startOnScreen('DISPLAY=:1 exec xterm -geometry 40x5+300+450 -e sh -c "stty -icanon -echo; exec cat >/home/user/typed"');
      await until('a window to type in', async () => (await on.inside('sh', '-c', 'test -e /home/user/typed && echo yes || true')).trim() === 'yes');
      await on.open('desktop');
      await on.onHost('.desktop-screen');
      await until('a picture', async () => (await picture(on.page))?.colours !== 1);
      expect(await picture(on.page)).toMatchObject({ width: 800, height: 600 });
      await pointAt(on.page, 400, 500);
      await on.page.waitForSelector('.desktop-grab');
      await on.page.keyboard.type('before ');
      await until('what was typed', async () => (await on.inside('cat', '/home/user/typed')) === 'before ');
    });

    test('keeps its last frame under a veil while it moves, goes on by itself, and gets what was typed meanwhile', async () => {
      await on.page.evaluate(() => {
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
      const typed = await on.moveWhile(async (turn) => {
        await on.page.keyboard.type(`${turn} `);
        return `${turn} `;
      });
      await on.onHost('.desktop-screen');
      const expected = `before ${typed}`;
      await until('what was typed', async () => (await on.inside('cat', '/home/user/typed')).length >= expected.length);
      expect(await on.inside('cat', '/home/user/typed')).toBe(expected);
      expect(await on.page.evaluate(() => (window as unknown as { seen: string[] }).seen)).toEqual(['open', 'paused veiled', 'open']);
    });

    test('paints what is on the screen after moves, too', async () => {
      await on.move();
      await on.onHost('.desktop-screen');
      const scratch = await mkdtemp(join(tmpdir(), 'zap-screens-'));
      try {
        await until('the same picture', async () => {
          await on.screenshot(join(scratch, 'screen.png'));
          const real = readPng(await readFile(join(scratch, 'screen.png')));
          const shown = await pixels(on.page);
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
      await on.page.click('button[aria-label="Full screen"]');
      await on.page.waitForFunction(() => document.fullscreenElement?.classList.contains('desktop'));
      await on.page.waitForSelector('.desktop-grab');
      await on.page.keyboard.press('Control+Alt+Escape');
      await on.page.waitForFunction(() => document.fullscreenElement === null);
      await on.page.waitForSelector('.desktop-grab', { state: 'detached' });
      await pointAt(on.page, 100, 100);
      await on.page.keyboard.press('Control+Shift+P');
      await on.page.waitForSelector('[role="dialog"]:visible');
      await on.page.keyboard.press('Escape');
    });

    test('is not touched by who only looks, and is shown in its own size', async () => {
      const before = await on.inside('cat', '/home/user/typed');
      await on.page.click('button[aria-label="Look without touching"]');
      await pointAt(on.page, 400, 500);
      await on.page.keyboard.type('nothing');
      await on.page.click('button[aria-label="Look without touching"]');
      await on.page.click('button[aria-label="Fit to the window"]');
      await on.page.waitForFunction(() => document.querySelector('.desktop-screen canvas')?.getBoundingClientRect().width === 800);
      await on.page.click('button[aria-label="Actual size"]');
      await pointAt(on.page, 400, 500);
      await on.page.keyboard.type('!');
      await until('what was typed', async () => (await on.inside('cat', '/home/user/typed')) === `${before}!`);
    });

    test('sends the keys that this computer would keep for itself', async () => {
      const before = await on.inside('cat', '/home/user/typed');
      await on.page.click('button[aria-label="Send Ctrl+Alt+Del"]');
      await on.reads('/home/user/typed', `${before}\u001B[3;7~`); // what a terminal makes of Delete with Ctrl and Alt
    });

    test('shares no clipboard, until a person wants it to', async () => {
      const before = await on.inside('cat', '/home/user/typed');
      const say = (text: string) => on.startOnScreen(`DISPLAY=:1 exec xterm -geometry 20x2+0+0 -xrm "xterm*disallowedWindowOps: GetSelection" -e sh -c "printf '\\033]52;pc;%s\\007' ${Buffer.from(text).toString('base64')}; sleep 2"`);
      await on.copy('of this computer');
      await pointAt(on.page, 400, 500);
      await on.page.keyboard.press('Shift+Insert');
      await say('of the POD, early');
      await on.page.keyboard.type('?');
      await on.reads('/home/user/typed', `${before}?`);
      await on.page.waitForTimeout(1_000); // for what must not come
      expect(await on.clipboard()).toBe('of this computer');

      await on.page.click('button[aria-label="Share the clipboard"]');
      await on.page.waitForSelector('button[aria-label="The clipboard is shared with this POD"]');
      await pointAt(on.page, 400, 500);
      await until('our text is what the POD pastes', async () => {
        await on.page.keyboard.press('Shift+Insert');
        return (await on.inside('cat', '/home/user/typed')).endsWith('of this computer');
      }, { everyMs: 500 });
      await say('of the POD');
      await until('its text is ours', async () => (await on.clipboard()) === 'of the POD');
      await on.page.click('button[aria-label="The clipboard is shared with this POD"]');
      await on.page.waitForSelector('button[aria-label="Share the clipboard"]');
    });
  });
}

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
