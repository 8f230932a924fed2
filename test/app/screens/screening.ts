/** An app that shows a POD of a lab, and the POD from inside: what the tests of screens share. */
import { afterAll, beforeAll } from 'vitest';
import type { Page } from 'playwright-core';
import type { HostName, Suite } from '../../integration/support/suite';
import { until } from '../../integration/support/until';
import { AppStage, type RunningApp } from '../support/app';

export const podName = 'onscreen';

export class Screening {
  stage!: AppStage;
  app!: RunningApp;
  page!: Page;
  pod!: string;
  host: HostName = 'alpha';

  constructor(private readonly suite: Suite) {
    beforeAll(async () => {
      ({ pod: { id: this.pod } } = await suite.create(podName, { options: [...suite.lan(suite.newAddress()), '--geometry', '800x600'], command: null }));
      this.stage = await AppStage.open();
      this.app = await this.stage.launch(suite.zap.home);
      ({ page: this.page } = this.app);
      await this.app.state('the POD', ({ pods }) => pods.some(({ id, state }) => id === this.pod && state.kind === 'running'));
    }, 180_000);
    afterAll(async () => {
      await this.app?.close();
      await this.stage?.close();
      await suite.delete(podName);
    }, 60_000);
  }

  inside(...command: string[]): Promise<string> {
    return this.suite.exec(podName, ...command).then(({ stdout }) => stdout);
  }

  /** A program of the POD's screen. */
  async startOnScreen(script: string): Promise<void> {
    await this.suite.zap.json('pod', 'exec', podName, '--detach', '--', 'sh', '-c', script);
  }

  async screenshot(path: string): Promise<void> {
    await this.suite.zap.json('pod', 'screenshot', podName, path);
  }

  open(tab: 'desktop' | 'terminal'): Promise<void> {
    return this.page.evaluate((hash) => void (window.location.hash = hash), `#/pod/${this.pod}/${tab}`);
  }

  async move(): Promise<void> {
    this.host = this.suite.other(this.host);
    const { task } = await this.app.call('pod.move', { pod: this.pod, to: this.host, resumes: true });
    const { state } = await this.app.ended(task);
    if (state.kind !== 'done') throw new Error(`the move ended as ${JSON.stringify(state)}`);
  }

  /** While the POD moves, `act` is done again and again; what it returned, put together. */
  async moveWhile(act: (turn: number) => Promise<string>): Promise<string> {
    let isOver = false;
    let done = '';
    const acting = (async () => {
      for (let turn = 0; !isOver; turn++) done += await act(turn);
    })();
    await this.move().finally(() => (isOver = true));
    await acting;
    return done;
  }

  onHost(selector: string): Promise<unknown> {
    return this.page.waitForSelector(`${selector}[data-state="open"][data-host="${this.host}"]:visible`);
  }

  /** What this computer's clipboard holds. */
  clipboard(): Promise<string> {
    return this.page.evaluate(() => navigator.clipboard.readText());
  }

  copy(text: string): Promise<void> {
    return this.page.evaluate((value) => navigator.clipboard.writeText(value), text);
  }

  /** What the file inside the POD holds, once it does. */
  async reads(path: string, expected: string): Promise<void> {
    let last = '';
    await until(`${path} is ${JSON.stringify(expected)}`, async () => (last = await this.inside('cat', path)) === expected).catch((error: Error) => {
      throw new Error(`${error.message}; it is ${JSON.stringify(last)}`);
    });
  }
}
