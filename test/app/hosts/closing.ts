/** What becomes of a move when the page crashes or the app is closed. */
import { expect, it } from 'vitest';
import { until } from '../../integration/support/until';
import type { AtWork } from './at-work';

export function closing(work: AtWork): void {
  const { suite } = work;

  it('leaves a move to the hosts when it is closed, and tells at its return what became of it', async () => {
    const task = await work.beginSlowMove('desk', 'beta', 20);
    await work.quit('Quit');
    expect(work.app.output.join('')).toContain('asked: Still moving: desk.');
    await suite.lab.clearLink('beta');
    await work.comeBack();
    expect(await work.app.ended(task)).toMatchObject({ state: { kind: 'done', outcome: { note: expect.stringContaining('while the app was closed') as string } } });
    await work.podState('desk', ({ host, state }) => host === 'beta' && state.kind === 'running');
  });

  it('loads a page that crashes during a move anew, with the move in it; who quits then may cancel it', async () => {
    const task = await work.beginSlowMove('desk', 'alpha', 10);
    try {
      await work.app.app.evaluate(({ BrowserWindow }) => {
        const { webContents } = BrowserWindow.getAllWindows()[0]!;
        webContents.once('did-finish-load', () => Object.assign(globalThis, { isBack: true }));
        webContents.forcefullyCrashRenderer();
      });
      await until('the page is back', () => work.app.app.evaluate(() => 'isBack' in globalThis));
      const shown = (): Promise<string> => work.app.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.webContents.executeJavaScript("document.querySelector('.status-tasks')?.textContent ?? ''")) as Promise<string>;
      await until('it shows the move', async () => (await shown()).includes('Move desk from beta to alpha'));
    } finally {
      await work.quit('Cancel the move');
      await suite.lab.clearLink('alpha');
      await work.comeBack();
    }
    expect(await work.app.ended(task)).toMatchObject({ state: { kind: 'cancelled', whereabouts: { host: 'beta', state: 'running' } } });
    await work.podState('desk', ({ host, state }) => host === 'beta' && state.kind === 'running');
  });
}
