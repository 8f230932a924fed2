/** The one window. */
import { BrowserWindow, screen, type WebPreferences } from 'electron';
import { START_PAGE } from './origin';
import { readWindowState, writeWindowState } from './window-state';

export interface WindowOptions {
  preload: string;
  icon: string;
  stateFile: string;
  hasDevTools: boolean;
}

/** All that matters for safety is said, also where it is Electron's default today. */
export function webPreferences({ preload, hasDevTools }: Pick<WindowOptions, 'preload' | 'hasDevTools'>): WebPreferences {
  return {
    preload,
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    nodeIntegrationInWorker: false,
    nodeIntegrationInSubFrames: false,
    webSecurity: true,
    allowRunningInsecureContent: false,
    experimentalFeatures: false,
    webviewTag: false,
    navigateOnDragDrop: false,
    spellcheck: false,
    devTools: hasDevTools,
    // A desktop that is watched from another window goes on; it is the services that slow down when nobody looks.
    backgroundThrottling: true,
  };
}

const SAVE_DELAY_MS = 500;

export function openWindow(options: WindowOptions): BrowserWindow {
  const state = readWindowState(options.stateFile, screen.getAllDisplays().map(({ workArea }) => workArea));
  const { isMaximized, ...bounds } = state;
  const window = new BrowserWindow({ ...bounds, minWidth: 640, minHeight: 480, show: false, title: 'Zap', icon: options.icon, autoHideMenuBar: true, backgroundColor: '#16181d', webPreferences: webPreferences(options) });
  if (isMaximized) window.maximize();
  window.once('ready-to-show', () => window.show());

  let timer: NodeJS.Timeout | undefined;
  const save = (): void => {
    clearTimeout(timer);
    if (!window.isDestroyed() && !window.isFullScreen()) writeWindowState(options.stateFile, { ...window.getNormalBounds(), isMaximized: window.isMaximized() });
  };
  const saveSoon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(save, SAVE_DELAY_MS);
  };
  window.on('resize', saveSoon).on('move', saveSoon).on('close', save);

  // A page that crashed is loaded again: what it showed is the services', not its own.
  window.webContents.on('render-process-gone', (_event, { reason }) => {
    if (reason !== 'clean-exit' && !window.isDestroyed()) window.webContents.reload();
  });
  void window.loadURL(START_PAGE);
  return window;
}
