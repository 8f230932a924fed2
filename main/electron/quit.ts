/** Leaving while something moves: the person decides, and the app ends once. */
import { app, dialog, type BrowserWindow } from 'electron';
import type { Task } from '../contract';
import { isMoving, subjectOf } from './known-state';
import type { Words } from './words';

export interface QuitContext {
  window: () => BrowserWindow | undefined;
  running: () => readonly Task[];
  words: () => Words;
  cancel: (task: string) => Promise<unknown>;
  /** Ends the services. */
  stop: () => Promise<void>;
}

/** A cancelled move is undone on both hosts; that takes this long at most before we leave all the same. */
const CANCEL_TIMEOUT_MS = 10_000;

export function askBeforeQuit(context: QuitContext): void {
  let phase: 'open' | 'asking' | 'leaving' | 'left' = 'open';
  app.on('before-quit', (event) => {
    if (phase === 'left') return;
    event.preventDefault();
    if (phase !== 'open') return;
    phase = 'asking';
    void leave();
  });

  async function leave(): Promise<void> {
    const isAgreed = await decide(context).catch(() => true);
    if (!isAgreed) return void (phase = 'open');
    phase = 'leaving';
    await context.stop().catch(() => {});
    phase = 'left';
    app.quit();
  }
}

async function decide({ window, running, words, cancel }: QuitContext): Promise<boolean> {
  const moves = running().filter(isMoving);
  if (moves.length === 0) return true;
  const say = words();
  const options = { type: 'warning' as const, title: say.movesRunTitle, message: say.movesRun(moves.map(subjectOf).join(', ')), detail: say.movesRunDetail, buttons: [say.stay, say.quitAnyway, say.cancelAndQuit], defaultId: 0, cancelId: 0, noLink: true };
  const parent = window();
  const { response } = await (parent ? dialog.showMessageBox(parent, options) : dialog.showMessageBox(options));
  if (response === 0) return false;
  if (response === 2) {
    await Promise.all(moves.map(({ id }) => cancel(id).catch(() => {}))); // one that is committed goes on
    const deadlineMs = Date.now() + CANCEL_TIMEOUT_MS;
    while (running().some(({ id }) => moves.some((move) => move.id === id)) && Date.now() < deadlineMs) await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return true;
}
