/** What no page may do, whoever wrote it: leave, open windows, embed others, or ask for devices. */
import type { App, Session, WebContents } from 'electron';
import { ORIGIN, originOf } from './origin';

/** For desktops and terminals on screen: the clipboard, the whole screen, and the keys that belong to it. */
const granted = new Set(['clipboard-read', 'clipboard-sanitized-write', 'fullscreen', 'keyboardLock', 'pointerLock']);

export function mayHave(permission: string, requestingUrl: string): boolean {
  return granted.has(permission) && originOf(requestingUrl) === ORIGIN;
}

export function guardSession(session: Pick<Session, 'setPermissionRequestHandler' | 'setPermissionCheckHandler' | 'setDevicePermissionHandler'>): void {
  session.setPermissionRequestHandler((_contents, permission, decide, details) => decide(details.isMainFrame && mayHave(permission, details.requestingUrl)));
  session.setPermissionCheckHandler((_contents, permission, origin) => mayHave(permission, origin));
  session.setDevicePermissionHandler(() => false);
}

/** Of all contents, those that a fault may yet create included. */
export function guardContents(app: Pick<App, 'on'>): void {
  app.on('web-contents-created', (_event, contents) => guard(contents));
}

export function guard(contents: Pick<WebContents, 'on' | 'setWindowOpenHandler'>): void {
  const prevent = (event: { preventDefault(): void }): void => event.preventDefault();
  contents.on('will-navigate', prevent);
  contents.on('will-frame-navigate', prevent);
  contents.on('will-redirect', prevent);
  contents.on('will-attach-webview', prevent);
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
}
