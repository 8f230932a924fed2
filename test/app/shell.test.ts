/** The window and what stands around it: real Electron, as an unprivileged user. What the unit tests say of the parts must hold of the whole. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contentSecurityPolicy } from '../../main/electron/app-protocol';
import { until } from '../integration/support/until';
import { describeApp, type AppStage, type RunningApp } from './support/app';

describeApp('the shell', (stageOf) => {
  let stage: AppStage;
  let home: string;
  let app: RunningApp;
  const violations: string[] = [];

  beforeAll(async () => {
    stage = stageOf();
    home = await mkdtemp(join(tmpdir(), 'zap-app-'));
    app = await stage.launch(home);
    app.page.on('console', (message) => {
      if (/content security policy|trusted ?(?:types|html|script)/i.test(message.text())) violations.push(message.text());
    });
    await app.page.reload();
    await app.page.waitForFunction(() => 'zap' in window && document.querySelector('#root, [data-zap-root], main') !== null);
  });
  afterAll(async () => {
    await app?.close();
    await rm(home, { recursive: true, force: true });
  });

  describe('what the page is', () => {
    it('is ours, under its policy, which it keeps', async () => {
      expect(new URL(app.page.url()).href).toMatch(/^app:\/\/zap\/index\.html/);
      const policy = await app.page.evaluate(async () => (await fetch('app://zap/index.html')).headers.get('content-security-policy'));
      expect(policy).toBe(contentSecurityPolicy);
      await app.state('the services answer', ({ hosts }) => hosts.length > 0);
      expect(violations).toEqual([]);
    });

    it('has a sandbox, no Node, and of ours only call, listen and connect', async () => {
      expect(await app.app.evaluate(({ app: electron }) => electron.commandLine.hasSwitch('no-sandbox'))).toBe(!stage.installed.isSandboxed);
      const world = await app.page.evaluate(() => ({ zap: Object.keys(window.zap).sort(), node: ['require', 'process', 'Buffer', 'module', 'global', 'electron', 'ipcRenderer'].filter((name) => name in window) }));
      expect(world).toEqual({ zap: ['call', 'connect', 'listen'], node: [] });
      const preferences = await app.app.evaluate(({ BrowserWindow }) => (BrowserWindow.getAllWindows()[0]!.webContents as unknown as { getLastWebPreferences(): object }).getLastWebPreferences());
      expect(preferences).toMatchObject({ sandbox: true, contextIsolation: true, nodeIntegration: false, webSecurity: true, webviewTag: false });
    });
  });

  describe('what the page cannot do', () => {
    it('run what is written into it', async () => {
      const outcome = await app.page.evaluate(async () => {
        await new Promise((resolve) => setTimeout(resolve)); // what is evaluated from outside may evaluate in turn
        const tried: Record<string, string> = {};
        const attempt = (name: string, act: () => void): void => {
          try {
            act();
            tried[name] = 'did';
          } catch {
            tried[name] = 'refused';
          }
        };
        attempt('eval', () => (window as unknown as Record<string, (text: string) => void>)[['ev', 'al'].join('')]!('window.wasEvaluated = true'));
        attempt('markup', () => ((document.createElement('div') as unknown as Record<string, string>)[['inner', 'HTML'].join('')] = '<img src=x onerror=1>'));
        const script = document.createElement('script');
        attempt('script', () => (script.textContent = 'window.wasEvaluated = true'));
        document.head.append(script);
        script.remove();
        return { ...tried, wasEvaluated: 'wasEvaluated' in window };
      });
      expect(outcome).toEqual({ eval: 'refused', markup: 'refused', script: 'refused', wasEvaluated: false });
    });

    it('reach the network or the files of this computer', async () => {
      const reached = await app.page.evaluate(async () => {
        const tried = ['https://example.org/', 'http://127.0.0.1:9/', 'file:///etc/passwd', 'app://other/index.html'].map((url) => fetch(url).then((response) => (response.ok ? url : ''), () => ''));
        return (await Promise.all(tried)).filter((url) => url !== '');
      });
      expect(reached).toEqual([]);
      expect(await app.page.evaluate(async () => (await fetch('app://zap/%2e%2e/package.json')).status)).toBe(404);
    });

    it('leave, open windows, embed pages or ask for devices', async () => {
      const before = app.page.url();
      expect(await app.page.evaluate(() => window.open('https://example.org/') === null)).toBe(true);
      await app.page.evaluate(() => {
        const link = document.createElement('a');
        link.href = 'https://example.org/';
        document.body.append(link);
        link.click();
        link.remove();
        location.href = 'file:///etc/passwd';
        const frame = document.createElement('iframe');
        frame.src = 'https://example.org/';
        document.body.append(frame);
        setTimeout(() => frame.remove(), 200);
      });
      await app.page.waitForTimeout(300);
      expect(app.page.url()).toBe(before);
      expect(app.app.windows()).toHaveLength(1);
      const permissions = await app.page.evaluate(async () => {
        const state = async (name: string): Promise<string> => (await navigator.permissions.query({ name: name as PermissionName })).state;
        return { geolocation: await state('geolocation'), camera: await state('camera'), notifications: await state('notifications'), clipboard: await state('clipboard-read') };
      });
      expect(permissions).toEqual({ geolocation: 'denied', camera: 'denied', notifications: 'denied', clipboard: 'granted' });
    });

    it('ask what is not in the contract', async () => {
      expect(await app.page.evaluate(() => window.zap.call('no.such' as never, {} as never).then(() => 'answered', () => 'refused'))).toBe('refused');
      expect(await app.ask('pod.show', { pod: '../../etc/passwd' })).toMatchObject({ ok: false, error: { code: 'usage/bad-input' } });
      expect(await app.ask('app.open-link', { url: 'file:///etc/passwd' })).toMatchObject({ ok: false, error: { code: 'usage/bad-link' } });
      expect(await app.page.evaluate(() => window.zap.connect('desktop', { pod: 'x' } as never, 's').then(({ ok }) => ok))).toBe(false);
    });
  });

  it('asks before it opens a page of the web, and takes no for an answer', async () => {
    await app.app.evaluate(({ dialog, shell }) => {
      const opened: string[] = [];
      (globalThis as unknown as { opened: string[] }).opened = opened;
      shell.openExternal = async (url: string) => void opened.push(url);
      dialog.showMessageBox = (async (_window: unknown, { detail, buttons }: { detail: string; buttons: string[] }) => ({ response: detail.endsWith('/yes') ? 0 : buttons.length - 1, checkboxChecked: false })) as unknown as typeof dialog.showMessageBox;
    });
    await app.call('app.open-link', { url: 'https://example.org/no' });
    await app.call('app.open-link', { url: 'https://example.org/yes' });
    expect(await app.app.evaluate(() => (globalThis as unknown as { opened: string[] }).opened)).toEqual(['https://example.org/yes']);
  });

  it('has the menu of the registry, in the language chosen', async () => {
    const labels = (): Promise<string[]> => app.app.evaluate(({ Menu }) => Menu.getApplicationMenu()!.items.map(({ label }) => label));
    await until('the menu is there', async () => (await labels()).includes('POD'));
    await app.page.evaluate(() => void window.zap.listen('command', ({ command }) => Object.assign(window, { heardCommand: command })));
    await app.app.evaluate(({ Menu }) => Menu.getApplicationMenu()!.getMenuItemById('app.tasks')!.click());
    await until('the command', () => app.page.evaluate(() => (window as unknown as { heardCommand?: string }).heardCommand === 'app.tasks'));
    await app.call('settings.change', { locale: 'de' });
    await until('the menu is German', async () => (await labels()).includes('Datei'));
    await app.call('settings.change', { locale: 'system' });
  });

  it('runs once: a second start shows the first', async () => {
    await app.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.minimize());
    await expect(stage.launch(home)).rejects.toThrow();
    await until('the window is shown', () => app.app.evaluate(({ BrowserWindow }) => !BrowserWindow.getAllWindows()[0]!.isMinimized()));
  });

  it('opens where it was closed, with the settings it had, and has kept no secret', async () => {
    await app.call('settings.change', { theme: 'dark' });
    expect((await app.snapshot().catch(() => undefined))?.app.canRememberSecrets ?? false).toBe(false); // no store of secrets on a bare display
    await app.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.setBounds({ x: 40, y: 30, width: 1000, height: 700 }));
    await app.close();
    expect(JSON.parse(readFileSync(join(home, 'app/window.json'), 'utf8'))).toMatchObject({ width: 1000, height: 700 });
    app = await stage.launch(home);
    expect(await app.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.getBounds())).toMatchObject({ width: 1000, height: 700 });
    expect((await app.snapshot()).settings.theme).toBe('dark');
  });

  it('loads a page anew that crashed', async () => {
    const id = await app.app.evaluate(({ BrowserWindow }) => {
      const [window] = BrowserWindow.getAllWindows();
      const { webContents } = window!;
      webContents.once('did-finish-load', () => ((globalThis as unknown as { isBack: boolean }).isBack = true));
      webContents.forcefullyCrashRenderer();
      return webContents.id;
    });
    await until('the page is back', () => app.app.evaluate(() => (globalThis as unknown as { isBack?: boolean }).isBack === true));
    expect(await app.app.evaluate(async ({ BrowserWindow }) => BrowserWindow.getAllWindows().map(({ webContents }) => webContents.id))).toEqual([id]);
    const isAnswered = (): Promise<boolean> => app.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.webContents.executeJavaScript("window.zap.call('state.snapshot', {}).then(({ ok }) => ok)")) as Promise<boolean>;
    await until('the page is answered again', isAnswered);
  });
});
