import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { commandIds, commands, type Task } from '../contract';
import { isMoving, KnownState } from './known-state';
import { menuTemplate } from './menu';
import { notice } from './notify';
import { taskLabel, trayTemplate } from './tray';
import { webPreferences } from './window';
import { readWindowState, writeWindowState } from './window-state';
import { localeOf } from './words';

vi.mock('electron', () => ({ BrowserWindow: vi.fn(), screen: {}, Notification: vi.fn(), Menu: {}, Tray: vi.fn() }));

const task = (over: Partial<Task> = {}): Task => ({ id: 't-1', kind: 'pod.move', subject: { podName: 'desk', from: 'alpha', to: 'beta' }, createdAtMs: 1, state: { kind: 'running', progress: { phase: 'files', isCommitted: false, bytes: 1, totalBytes: 4 } }, canCancel: true, canRepeat: true, ...over });
const done = task({ state: { kind: 'done', outcome: { note: 'n' } } });

describe('webPreferences', () => {
  it('leaves nothing of safety to a default', () => {
    expect(webPreferences({ preload: '/p', hasDevTools: false })).toMatchObject({
      sandbox: true, contextIsolation: true, nodeIntegration: false, nodeIntegrationInWorker: false, nodeIntegrationInSubFrames: false, webSecurity: true, allowRunningInsecureContent: false, experimentalFeatures: false, webviewTag: false, devTools: false,
    });
    expect(webPreferences({ preload: '/p', hasDevTools: false })).not.toHaveProperty('enableBlinkFeatures');
  });
});

describe('the place of the window', () => {
  it('is kept, unless no screen shows it any more', () => {
    const home = mkdtempSync(join(tmpdir(), 'zap-window-'));
    try {
      const file = join(home, 'app/window.json');
      const screens = [{ x: 0, y: 0, width: 1920, height: 1080 }];
      expect(readWindowState(file, screens)).toEqual({ width: 1280, height: 820, isMaximized: false });
      writeWindowState(file, { x: 100, y: 50, width: 900, height: 700, isMaximized: true });
      expect(readWindowState(file, screens)).toEqual({ x: 100, y: 50, width: 900, height: 700, isMaximized: true });
      expect(readWindowState(file, [{ x: 3000, y: 0, width: 800, height: 600 }])).toEqual({ width: 900, height: 700, isMaximized: true });
      for (const text of ['{', '[]', '{"version":1,"x":1,"y":1,"width":10,"height":10,"isMaximized":false}']) {
        writeFileSync(file, text);
        expect(readWindowState(file, screens)).toMatchObject({ width: 1280 });
      }
      expect(readFileSync(file, 'utf8')).toContain('version');
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  });
});

describe('the menu bar', () => {
  it('has every command that names a menu, and takes no key from what has the focus', () => {
    const run = vi.fn();
    const items = menuTemplate('en', { run, quit: () => {} }).flatMap(({ submenu }) => submenu as Electron.MenuItemConstructorOptions[]);
    const ids = items.flatMap(({ id }) => (id === undefined ? [] : [id]));
    expect(ids.sort()).toEqual(commandIds.filter((id) => commands[id].menu).sort());
    expect(items.filter(({ type, registerAccelerator, click, role }) => type !== 'separator' && registerAccelerator !== false && (role !== undefined || click === undefined))).toEqual([]);
    (items.find(({ id }) => id === 'pod.create')!.click as () => void)();
    expect(run).toHaveBeenCalledWith('pod.create');
  });

  it('speaks the language that was chosen', () => {
    expect(menuTemplate('de', { run: () => {}, quit: () => {} }).map(({ label }) => label)).toEqual(['Datei', 'Bearbeiten', 'Ansicht', 'POD', 'Host', 'Hilfe']);
    expect([localeOf('system', 'de-AT'), localeOf('system', 'fr'), localeOf('en', 'de')]).toEqual(['de', 'en', 'en']);
  });
});

describe('tray and notifications', () => {
  it('say what is done', () => {
    expect(taskLabel(task(), 'en')).toBe('Move desk → beta, 25%');
    const reveal = vi.fn();
    const items = trayTemplate([task()], 'en', { show: () => {}, quit: () => {}, reveal });
    (items.find(({ label }) => label?.startsWith('Move'))!.click as () => void)();
    expect(reveal).toHaveBeenCalledWith('t-1');
    expect(trayTemplate([], 'en', { show: () => {}, quit: () => {}, reveal }).some(({ label }) => label === 'Nothing is being done')).toBe(true);
  });

  it('disturb nobody who looks, who does not want it, or who did it himself', () => {
    const context = { isFocused: false, notifies: true, locale: 'en' } as const;
    expect(notice(done, context)).toEqual({ title: 'Move desk → beta: done', body: 'n' });
    expect(notice(task({ state: { kind: 'failed', error: { code: 'a/b', message: 'why' } } }), context)).toMatchObject({ body: 'why' });
    for (const quiet of [{ ...context, isFocused: true }, { ...context, notifies: false }]) expect(notice(done, quiet)).toBeUndefined();
    expect(notice(task({ state: { kind: 'cancelled' } }), context)).toBeUndefined();
    expect(notice({ ...done, parent: 't-0' }, context)).toBeUndefined();
  });
});

describe('KnownState', () => {
  it('follows the tasks, tells each end once, and none that was before it looked', () => {
    const ended = vi.fn();
    const known = new KnownState({ change: () => {}, taskEnded: ended });
    known.hear({ revision: 2, changes: [{ kind: 'task', task: task() }] });
    expect(known.running).toHaveLength(1);
    known.hear({ revision: 3, changes: [{ kind: 'task', task: done }] });
    known.hear({ revision: 3, changes: [{ kind: 'task', task: task() }] });
    known.hear({ revision: 4, changes: [{ kind: 'task', task: { ...done, id: 't-2' } }] });
    expect(ended.mock.calls).toEqual([[done]]);
    expect(known.running).toEqual([]);
    expect([isMoving(task()), isMoving(done), isMoving(task({ kind: 'host.doctor' }))]).toEqual([true, false, false]);
  });
});
