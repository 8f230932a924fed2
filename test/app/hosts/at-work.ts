/** The app at work on a lab's hosts: what the tests of both share. */
import { afterAll, beforeAll } from 'vitest';
import type { PodView, Snapshot } from '../../../main/contract';
import type { Suite } from '../../integration/support/suite';
import { AppStage, type RunningApp } from '../support/app';

export const podOf = ({ pods }: Snapshot, name: string): PodView | undefined => pods.find((pod) => pod.name === name);

export class AtWork {
  stage!: AppStage;
  app!: RunningApp;

  constructor(readonly suite: Suite) {
    beforeAll(async () => {
      // By root: a user's app may not start a helper on this computer, which has the environment.
      await suite.create('guest', { host: 'alpha', options: ['--network', 'none'] });
      this.stage = await AppStage.open();
      this.app = await this.stage.launch(suite.zap.home);
      await this.app.state('both hosts are connected', ({ hosts }) => ['alpha', 'beta'].every((name) => hosts.find((host) => host.name === name)?.connection.kind === 'ready'));
    });
    afterAll(async () => {
      await this.app?.close();
      await this.stage?.close();
    });
  }

  podState(name: string, isWanted: (pod: PodView) => boolean): Promise<Snapshot> {
    return this.app.state(`${name} as wanted`, (snapshot) => ((pod) => pod !== undefined && isWanted(pod))(podOf(snapshot, name)));
  }

  async idOf(name: string): Promise<string> {
    return podOf(await this.app.snapshot(), name)!.id;
  }

  /** A move that takes its time, and is on its way. */
  async beginSlowMove(name: string, to: 'alpha' | 'beta', rateMbit: number): Promise<string> {
    await this.suite.lab.setLink(to, { rateMbit });
    const { task } = await this.app.call('pod.move', { pod: await this.idOf(name), to, resumes: true });
    await this.app.state('bytes go', ({ tasks }) => {
      const state = tasks.find(({ id }) => id === task)?.state;
      if (state && state.kind !== 'running' && state.kind !== 'queued') throw new Error(`The move is no longer on its way: ${JSON.stringify(state)}`);
      return state?.kind === 'running' && state.progress.bytes !== undefined;
    });
    return task;
  }

  /** Ends the app as a person does who is asked about moves and takes the answer that begins so. */
  async quit(answer: string): Promise<void> {
    await this.app.app.evaluate(({ dialog }, wanted) => {
      dialog.showMessageBox = (async (...args: unknown[]) => {
        const { message, buttons } = args.at(-1) as { message: string; buttons: string[] };
        console.error(`asked: ${message} ${buttons.join('|')}`);
        return { response: buttons.findIndex((label) => label.startsWith(wanted)), checkboxChecked: false };
      }) as typeof dialog.showMessageBox;
    }, answer);
    await this.app.close();
  }

  async comeBack(): Promise<void> {
    this.app = await this.stage.launch(this.suite.zap.home);
  }
}
