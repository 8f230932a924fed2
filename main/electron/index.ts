/** The desktop app. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { app, ipcMain, Menu, protocol, session, type BrowserWindow } from 'electron';
import type { EventData, EventName } from '../contract';
import { defaultZapHome } from '../hosts/zap-home';
import { answer, schemePrivileges } from './app-protocol';
import { asFailure, openBridge } from './bridge';
import { useWhatCanDraw } from './graphics';
import { guardContents, guardSession } from './guards';
import { KnownState } from './known-state';
import { openLink } from './links';
import { menuTemplate } from './menu';
import { notify } from './notify';
import { SCHEME } from './origin';
import { askBeforeQuit } from './quit';
import { ServicesProcess } from './services-process';
import { TrayIcon } from './tray';
import { canKeepSecrets, vault } from './vault';
import { openWindow } from './window';
import { channels } from './wire';
import { localeOf, wordsIn } from './words';

const zapHome = defaultZapHome();
const here = import.meta.dirname;
const icon = join(here, 'icon.png');
const log = (text: string): void => void process.stderr.write(text.endsWith('\n') ? text : `${text}\n`);

// Also for processes that Electron starts without one. Where somebody has taken it away for all (root in tests), Chromium would not start.
if (!app.commandLine.hasSwitch('no-sandbox')) app.enableSandbox();
useWhatCanDraw(app);
app.setPath('userData', join(zapHome, 'app'));
protocol.registerSchemesAsPrivileged([schemePrivileges]);
guardContents(app);

if (app.requestSingleInstanceLock()) void run();
else app.quit();

async function run(): Promise<void> {
  let window: BrowserWindow | undefined;
  const windows = new Set<number>();
  const locale = (): ReturnType<typeof localeOf> => localeOf(known.settings.locale, app.getLocale());
  const words = (): ReturnType<typeof wordsIn> => wordsIn(locale());
  const tell = <N extends EventName>(name: N, data: EventData<N>): void => {
    if (window && !window.isDestroyed()) window.webContents.send(channels.event, name, data);
  };
  const show = (): void => {
    if (window?.isMinimized()) window.restore();
    window?.show();
    window?.focus();
  };
  const reveal = (task: string): void => {
    show();
    tell('reveal', { task });
  };

  const tray = new TrayIcon(join(here, 'tray.png'), { show, reveal, quit: () => app.quit() });
  let menuLocale: string | undefined;
  const known: KnownState = new KnownState({
    change: () => {
      if (known.settings.hasTray) tray.show(known.running, locale());
      else tray.hide();
      if (menuLocale === locale()) return;
      menuLocale = locale();
      Menu.setApplicationMenu(Menu.buildFromTemplate(menuTemplate(locale(), { run: (command) => tell('command', { command }), quit: () => app.quit() })));
    },
    taskEnded: (task) => notify(task, { isFocused: window?.isFocused() ?? false, notifies: known.settings.notifies, locale: locale(), icon, onClick: () => reveal(task.id) }),
  });

  await app.whenReady();
  protocol.handle(SCHEME, (request) => answer(request, join(here, 'renderer')));
  guardSession(session.defaultSession);

  const services = new ServicesProcess({
    program: join(here, 'services.mjs'),
    start: { zapHome, distDirectory: distDirectory(), canKeepSecrets: canKeepSecrets() },
    vault,
    onEvent: ({ name, data }) => {
      if (name === 'state') known.hear(data);
      tell(name, data as never);
    },
    onRestarted: () => {
      known.forget();
      void services.askFor('state.snapshot', {}).then((snapshot) => known.take(snapshot), () => {});
      tell('restarted', {});
    },
    onLog: log,
  });
  openBridge(ipcMain, {
    windows,
    onRefused: (why) => log(`refused: ${why}`),
    answering: {
      call: async (name, input) => {
        if (name !== 'app.open-link') return services.call(name, input);
        return openLink((input as { url: string }).url, window!, words()).then(() => ({ ok: true, value: {} }), (error: unknown) => ({ ok: false, error: asFailure(error) }));
      },
      connect: (name, input, port) => services.connect(name, input, port),
    },
  });

  window = openWindow({ preload: join(here, 'preload.cjs'), icon, stateFile: join(zapHome, 'app/window.json'), hasDevTools: !app.isPackaged });
  const { webContents } = window;
  windows.add(webContents.id);
  window.once('closed', () => {
    windows.delete(webContents.id);
    window = undefined;
  });
  const attend = (): void => services.setAttention(window !== undefined && window.isVisible() && !window.isMinimized());
  for (const event of ['show', 'hide', 'minimize', 'restore', 'closed'] as const) window.on(event as 'show', attend);

  app.on('second-instance', show);
  app.on('window-all-closed', () => app.quit());
  askBeforeQuit({ window: () => window, running: () => known.running, words, cancel: (task) => services.askFor('task.cancel', { task }), stop: () => services.stop() });
  void services.askFor('state.snapshot', {}).then((snapshot) => known.take(snapshot), (error: Error) => log(error.message));
}

/** Beside the app where it is built, among its resources where it is packaged. */
function distDirectory(): string {
  const built = join(here, '..');
  return existsSync(join(built, 'environments.json')) ? built : process.resourcesPath;
}
