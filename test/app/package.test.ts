/** The package as a person gets it: built without any download, unpacked from its .deb, opened by an unprivileged user. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { chmod, chown, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { FuseV1Options, getCurrentFuseWire } from '@electron/fuses';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../helper/system/spawn';
import type { Snapshot } from '../../main/contract';
import { version } from '../../package.json';
import { ensureBuilt } from '../integration/support/build';
import { openDisplay, type Display } from './support/display';
import { USER_ID } from './support/installed';

const top = join(import.meta.dirname, '../..');
const isRoot = process.getuid?.() === 0;

describe('the package', () => {
  let deb: string;
  let rpm: string;
  let root: string;
  let control: string;
  let display: Display;
  let zapHome: string;
  const executable = (): string => join(root, 'opt/Zap/zap-desktop');

  beforeAll(async () => {
    await ensureBuilt();
    const { stdout } = await run(process.execPath, ['assets/packaging/package.mjs', '--rpm'], { cwd: top, env: { PATH: process.env['PATH'], HOME: process.env['HOME'] } });
    [deb, rpm] = stdout.trim().split('\n').slice(-2) as [string, string];
    root = await mkdtemp(join(tmpdir(), 'zap-package-'));
    control = await mkdtemp(join(tmpdir(), 'zap-control-'));
    await chmod(root, 0o755);
    await run('dpkg-deb', ['-x', deb, root]);
    await run('dpkg-deb', ['-e', deb, control]);
    zapHome = mkdtempSync(join(tmpdir(), 'zap-home-'));
    if (isRoot) await chown(zapHome, USER_ID, USER_ID);
    display = await openDisplay();
  }, 300_000);
  afterAll(async () => {
    await display?.close();
    for (const path of [root, control, zapHome]) if (path) rmSync(path, { recursive: true, force: true });
  });

  test('says what it is and what it needs, and brings the helper with CRIU, launcher, icons and profile', async () => {
    const { stdout } = await run('dpkg-deb', ['--field', deb, 'Package', 'Version', 'Depends']);
    expect(stdout).toContain('Package: zap-desktop');
    expect(stdout).toContain(`Version: ${version}`);
    expect(stdout).toMatch(/^Depends: .*libgtk-3-0.*openssh-client/m);
    const resources = join(root, 'opt/Zap/resources');
    expect(statSync(join(resources, 'zap-helper')).mode & 0o111).toBe(0o111);
    expect(statSync(join(resources, 'zap-helper')).size).toBe(statSync(join(top, 'dist/zap-helper')).size);
    expect(JSON.parse(readFileSync(join(resources, 'environments.json'), 'utf8'))).toMatchObject({ version: 1 });
    expect(readFileSync(join(root, 'usr/share/applications/zap-desktop.desktop'), 'utf8')).toMatch(/^Exec=\/opt\/Zap\/zap-desktop %U$/m);
    expect(readFileSync(join(root, 'usr/share/icons/hicolor/512x512/apps/zap-desktop.png')).subarray(1, 4).toString()).toBe('PNG');
    const profile = readFileSync(join(resources, 'apparmor-profile'), 'utf8');
    expect(profile).toMatch(/^profile zap-desktop "\/opt\/Zap\/zap-desktop" flags=\(unconfined\) \{\n {2}userns,/m);
    for (const script of ['postinst', 'postrm']) {
      const text = readFileSync(join(control, script), 'utf8');
      expect(text).toContain("/etc/apparmor.d/zap-desktop");
      expect(text).not.toContain('${');
      await run('sh', ['-n', join(control, script)]);
    }
  });

  test('is there for systems with RPM as well, with the same files and scripts', async () => {
    const ask = (...what: string[]): Promise<string> => run('rpm', ['-qp', ...what, rpm]).then((result) => result.stdout);
    expect((await ask('--queryformat', '%{NAME} %{VERSION} %{LICENSE}')).trim()).toBe(`zap-desktop ${version} MIT`);
    expect((await ask('--requires')).split('\n')).toEqual(expect.arrayContaining(['gtk3', 'nss', 'openssh-clients']));
    const files = (await ask('--list')).trim().split('\n').filter((path) => !statSync(join(root, path)).isDirectory());
    const inDeb = readdirSync(root, { recursive: true, encoding: 'utf8' }).map((path) => `/${path}`).filter((path) => !path.startsWith('/usr/share/doc/') && !statSync(join(root, path)).isDirectory());
    expect(files.sort()).toEqual(inDeb.sort());
    expect(await ask('--queryformat', '[%{FILEUSERNAME}\n]')).toMatch(/^(?:root\n)+$/);
    const scripts = await ask('--scripts');
    expect(scripts).toContain("ln -sf \"$app/zap-desktop\" '/usr/bin/zap-desktop'");
    expect(scripts).toContain("rm -f '/usr/bin/zap-desktop'");
    await run('rpm', ['-K', '--nosignature', rpm]);
  });

  test('has the fuses set that keep its executable from running other code', async () => {
    const fuses = await getCurrentFuseWire(executable());
    const on = [FuseV1Options.EnableCookieEncryption, FuseV1Options.EnableEmbeddedAsarIntegrityValidation, FuseV1Options.OnlyLoadAppFromAsar];
    const off = [FuseV1Options.RunAsNode, FuseV1Options.EnableNodeOptionsEnvironmentVariable, FuseV1Options.EnableNodeCliInspectArguments, FuseV1Options.LoadBrowserProcessSpecificV8Snapshot, FuseV1Options.GrantFileProtocolExtraPrivileges];
    for (const fuse of on) expect(fuses[fuse], FuseV1Options[fuse]).toBe('1'.charCodeAt(0));
    for (const fuse of off) expect(fuses[fuse], FuseV1Options[fuse]).toBe('0'.charCodeAt(0));
  });

  test('opens, sandboxed, with its services at work', async () => {
    const { child, output } = start(['--remote-debugging-port=0']);
    try {
      const address = await new Promise<string>((resolve, reject) => {
        child.once('exit', () => reject(new Error(`it ended at once: ${output.join('')}`)));
        child.stderr!.on('data', () => {
          const found = /DevTools listening on (ws:\S+)/.exec(output.join(''))?.[1];
          if (found !== undefined) resolve(found);
        });
      });
      const browser = await chromium.connectOverCDP(address);
      const [context] = browser.contexts();
      const page = context!.pages()[0] ?? (await context!.waitForEvent('page'));
      await page.waitForFunction(() => 'zap' in window);
      expect(page.url()).toMatch(/^app:/);
      const result = (await page.evaluate(() => window.zap.call('state.snapshot', {}))) as { ok: boolean; value: Snapshot };
      expect(result).toMatchObject({ ok: true, value: { app: { version } } });
      expect(await page.evaluate(() => 'process' in window || 'require' in window)).toBe(false);
      await browser.close();
    } finally {
      await stop(child);
    }
  });

  test('is no Node, whatever its environment says', async () => {
    const { child, output } = start(['-e', 'console.log("ran as " + "node")'], { ELECTRON_RUN_AS_NODE: '1', NODE_OPTIONS: '--require=/nowhere.js' });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await stop(child);
    expect(output.join('')).not.toContain('ran as node');
    expect(output.join('')).not.toContain('/nowhere.js');
  });

  function start(args: string[], env: NodeJS.ProcessEnv = {}): { child: ChildProcess; output: string[] } {
    const asUser = isRoot ? ['setpriv', `--reuid=${USER_ID}`, `--regid=${USER_ID}`, '--clear-groups', '--no-new-privs', '--'] : [];
    const [program, ...rest] = [...asUser, executable(), ...args];
    const { DBUS_SESSION_BUS_ADDRESS: _bus, ...inherited } = process.env;
    const child = spawn(program!, rest, { env: { ...inherited, DISPLAY: display.name, HOME: zapHome, ZAP_HOME: zapHome, XDG_CONFIG_HOME: join(zapHome, 'config'), ...env }, cwd: dirname(executable()), stdio: ['ignore', 'pipe', 'pipe'] });
    const output: string[] = [];
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => output.push(chunk.toString()));
    return { child, output };
  }
});

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await ended;
  clearTimeout(timer);
}
