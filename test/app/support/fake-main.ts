/**
 * Electron's main process for tests of the user interface alone: the real scheme, policy and window settings, and in place of the preload a script that puts
 * a fake of the services behind the bridge.
 */
import { join } from 'node:path';
import { app, BrowserWindow, protocol } from 'electron';
import { answer, schemePrivileges } from '../../../main/electron/app-protocol';
import { useWhatCanDraw } from '../../../main/electron/graphics';
import { ORIGIN, SCHEME } from '../../../main/electron/origin';
import { webPreferences } from '../../../main/electron/window';

const [renderer, world] = process.argv.slice(-2) as [string, string];

useWhatCanDraw(app);
protocol.registerSchemesAsPrivileged([schemePrivileges]);
async function start(): Promise<void> {
  await app.whenReady();
  protocol.handle(SCHEME, (request) => answer(request, renderer));
  const preload = join(import.meta.dirname, 'page.js');
  // The fake lives in the page's own world, where tests can reach it.
  const window = new BrowserWindow({ width: 1360, height: 860, webPreferences: { ...webPreferences({ preload, hasDevTools: true }), contextIsolation: false } });
  await window.loadURL(`${ORIGIN}/index.html?world=${world}`);
}

void start();
app.on('window-all-closed', () => app.quit());
