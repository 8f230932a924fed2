/** The contract with the user interface, answered: by the same parts that the command line stands on. */
import { existsSync } from 'node:fs';
import { calls, type CallName, type CallResult } from '../contract';
import { LOCAL } from '../hosts/inventory';
import { asFailure } from '../tasks/board';
import { runStream, type StreamRequest } from '../streams/open';
import type { StreamPort } from '../streams/view';
import { ZapError } from '../../helper/protocol/errors';
import type { Answers } from './answers';
import { appCalls } from './app-calls';
import { Desk, type DeskOptions } from './desk';
import { hostCalls } from './host-calls';
import { outcomeAfterwards } from './moves';
import { podCalls } from './pod-calls';
import { watchSuggestions } from './suggestions';
import { Thumbnails } from './thumbnails';

/** What the shell around the services answers itself. */
export type OwnCall = Exclude<CallName, 'app.open-link'>;

export class Services {
  private readonly thumbnails: Thumbnails;
  private readonly answers: Answers<OwnCall>;
  private suggestions: Disposable | undefined;

  private constructor(readonly desk: Desk) {
    this.thumbnails = new Thumbnails({
      pod: (id) => desk.store.pod(id),
      client: (host) => desk.clientOf(host),
      isWanted: () => desk.isWatched && desk.settings.settings.hasThumbnails,
      onPicture: (picture) => desk.options.emit('thumbnail', picture),
    });
    this.answers = { ...hostCalls(desk), ...podCalls(desk), ...appCalls(desk, this.thumbnails, (name, input) => this.answer(name, input)) };
  }

  static async open(options: DeskOptions): Promise<Services> {
    const desk = await Desk.open(options);
    const services = new Services(desk);
    const interrupted = await desk.board.load();
    for (const task of desk.board.shown) desk.store.putTask(task);
    for (const host of desk.hostNames) {
      desk.link(host);
      desk.showHost(host);
      // On this computer a helper needs root and leaves traces: only where one has worked already.
      if (host !== LOCAL || existsSync('/var/lib/zap')) desk.link(host).open();
    }
    services.suggestions = await watchSuggestions(desk);
    for (const { task } of interrupted) void services.conclude(task.id);
    return services;
  }

  async call(name: CallName, input: unknown): Promise<CallResult<unknown>> {
    try {
      return { ok: true, value: await this.answer(name, input) };
    } catch (thrown) {
      const error = ZapError.from(thrown);
      if (error.code === 'internal/unexpected') this.desk.log.add([error.message, ...(error.evidence ?? [])].join('\n'));
      return { ok: false, error: asFailure(error) };
    }
  }

  /** Runs until either end hangs up. */
  connect(request: StreamRequest, port: StreamPort): void {
    void runStream(this.desk.lookedAt, request, port);
  }

  attend(isWatched: boolean): void {
    this.desk.attend(isWatched);
  }

  async close(): Promise<void> {
    this.suggestions?.[Symbol.dispose]();
    this.thumbnails[Symbol.dispose]();
    await this.desk.close();
  }

  private async answer(name: CallName, input: unknown): Promise<unknown> {
    if (name === 'app.open-link') throw new ZapError('usage/no-browser', 'There is no browser here.');
    const handler = this.answers[name] as (input: unknown) => Promise<unknown>;
    return handler(calls[name].in.parse(input));
  }

  /** What became of a task that was at work when the app ended; asked once its hosts can be. */
  private async conclude(id: string): Promise<void> {
    const task = this.desk.board.get(id)!;
    const hosts = [task.subject.from, task.subject.to, task.subject.host].filter((host) => host !== undefined);
    await Promise.all(hosts.map(async (host) => this.desk.links.get(host)?.settled()));
    const state = await outcomeAfterwards(this.desk, task).catch((error: unknown) => ({ kind: 'failed' as const, error: asFailure(ZapError.from(error)) }));
    await this.desk.board.conclude(id, state);
  }
}
