/** The user interface in real Electron, with the services' fake behind it. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { ElectronApplication, Page } from 'playwright-core';
import type { FakeBackend } from '../../fakes/app/backend';
import { openDisplay, type Display } from './display';
import { install, type Installed } from './installed';
import { launchElectron } from './launch';

declare global {
  interface Window {
    fake: FakeBackend;
  }
}

export type WorldName = 'demo' | 'empty' | 'large';

export class FakeWindow {
  /** Everything that went wrong in the page, refusals of its policy among it. */
  readonly errors: string[] = [];
  private loads = 0;

  private constructor(
    readonly app: ElectronApplication,
    readonly page: Page,
    private readonly display: Display,
    private readonly installed: Installed,
    private readonly directories: readonly string[],
  ) {
    page.on('pageerror', (error) => this.errors.push(error.message));
    page.on('console', (message) => message.type() === 'error' && this.errors.push(message.text()));
  }

  static async open(world: WorldName = 'demo'): Promise<FakeWindow> {
    const [installed, display] = await Promise.all([install(), openDisplay()]);
    const directory = mkdtempSync(join(tmpdir(), 'zap-fake-window-'));
    const top = join(import.meta.dirname, '../../..');
    const shared = { absWorkingDir: top, bundle: true, logLevel: 'warning' } as const;
    await Promise.all([
      build({ ...shared, entryPoints: ['test/app/support/fake-main.ts'], platform: 'node', format: 'esm', external: ['electron'], outfile: join(directory, 'main.mjs') }),
      build({ ...shared, entryPoints: ['test/fakes/app/page.ts'], platform: 'browser', format: 'iife', outfile: join(directory, 'page.js') }),
    ]);
    writeFileSync(join(directory, 'package.json'), JSON.stringify({ name: 'zap-fake-window', version: '0.0.0', type: 'module', main: 'main.mjs' }));
    chmodSync(directory, 0o755);
    const home = mkdtempSync(join(tmpdir(), 'zap-user-'));
    installed.give(home);
    const env = { ...process.env, DISPLAY: display.name, HOME: home, XDG_CONFIG_HOME: join(home, '.config'), LANG: 'en_US.UTF-8', LANGUAGE: 'en', DBUS_SESSION_BUS_ADDRESS: '' } as Record<string, string>;
    const app = await launchElectron({ chromiumSandbox: true, executablePath: installed.executable, args: [directory, join(installed.app, 'renderer'), world], env });
    const page = await app.firstWindow({ timeout: 60_000 });
    await page.waitForSelector('.main[aria-busy="false"]');
    return new FakeWindow(app, page, display, installed, [directory, home]);
  }

  /** Loads the page anew, in another world or the same. */
  async show(world: WorldName, hash = '#/'): Promise<void> {
    await this.page.goto(`app://zap/index.html?world=${world}&load=${this.loads++}${hash}`);
    await this.page.waitForSelector('.main[aria-busy="false"]');
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.display.close();
    this.installed.remove();
    for (const directory of this.directories) rmSync(directory, { recursive: true, force: true });
  }
}
