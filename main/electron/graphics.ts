/** Where there is no graphics card, Chromium would find that out by two processes that fail, before its first frame. */
import { existsSync } from 'node:fs';
import type { App } from 'electron';

const cards = ['/dev/dri', '/dev/nvidiactl', '/dev/dxg'];

export function useWhatCanDraw(app: Pick<App, 'disableHardwareAcceleration'>, has: (path: string) => boolean = existsSync): void {
  if (!cards.some(has)) app.disableHardwareAcceleration();
}
