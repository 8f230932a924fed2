/** One host, as the app holds on to it: the connection that comes back by itself, its steps, its log. */
import { assertNever, ZapError } from '../../helper/protocol/errors';
import type { Connection } from '../contract';
import { LastingClient, type ClientState } from '../helper-client/lasting-client';
import type { HelperClient } from '../helper-client/client';
import type { ConnectStep, Surroundings } from '../hosts/connect';
import { LOCAL } from '../hosts/inventory';
import { LineLog } from '../logs/line-log';
import { asFailure } from '../tasks/board';
import { ConnectionSteps } from './connection-steps';

export interface LinkOptions {
  host: string;
  connect: (signal: AbortSignal) => Promise<HelperClient>;
  onChange: () => void;
  onReady: (client: HelperClient) => void;
}

export class HostLink implements Disposable {
  readonly log = new LineLog();
  connection: Connection = { kind: 'idle' };
  private lasting: LastingClient | undefined;
  private steps: ConnectionSteps;
  /** Whoever asked for the connection just now may be asked in turn; one that comes back by itself asks nobody. */
  private asking: Surroundings | undefined;
  private readonly waiting = new Set<(connection: Connection) => void>();

  constructor(private readonly options: LinkOptions) {
    this.steps = new ConnectionSteps(options.host === LOCAL);
  }

  get host(): string {
    return this.options.host;
  }

  get isReady(): boolean {
    return this.connection.kind === 'ready';
  }

  /** What the fleet needs on the way to this host. */
  get surroundings(): Surroundings {
    return {
      ...this.asking,
      onNote: (text) => {
        this.log.add(text);
        this.steps.detail(text);
        this.show();
      },
      onStep: (step) => this.begin(step),
    };
  }

  onInstall(bytes: number, totalBytes: number): void {
    this.steps.detail(`${Math.round(bytes / 2 ** 20)} / ${Math.round(totalBytes / 2 ** 20)} MiB`);
    this.show();
  }

  /** Starts to connect, or tries at once. */
  open(): void {
    if (this.lasting) return this.lasting.retry();
    this.lasting = new LastingClient({ connect: (signal) => this.attempt(signal), onState: (state) => this.enter(state) });
  }

  /** With somebody to ask; resolves when it is ready. */
  async openNow(asking: Surroundings, signal: AbortSignal): Promise<void> {
    if (this.isReady) return;
    this.close();
    this.asking = asking;
    const first = new Promise<Connection>((resolve) => this.waiting.add(resolve));
    const onAbort = (): void => this.close();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      this.open();
      const reached = await first;
      if (signal.aborted) throw new ZapError('cancelled/by-user', `Cancelled while connecting to ${this.host}.`);
      if (reached.kind === 'failed') throw ZapError.fromWire(reached.error);
      if (reached.kind !== 'ready') throw new ZapError('cancelled/by-user', `${this.host} was disconnected meanwhile.`);
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.asking = undefined;
    }
  }

  /** Resolves when the attempt that runs, if any, has succeeded or failed. */
  async settled(signal?: AbortSignal): Promise<void> {
    if (this.connection.kind !== 'connecting') return;
    await new Promise<void>((resolve, reject) => {
      const cancel = (): void => reject(new ZapError('cancelled/by-user', `Cancelled while ${this.host} was being connected.`));
      if (signal?.aborted) return cancel();
      signal?.addEventListener('abort', cancel, { once: true });
      this.waiting.add(() => {
        signal?.removeEventListener('abort', cancel);
        resolve();
      });
    });
  }

  close(): void {
    const { lasting } = this;
    this.lasting = undefined;
    lasting?.[Symbol.dispose]();
    this.set({ kind: 'idle' });
  }

  [Symbol.dispose](): void {
    this.lasting?.[Symbol.dispose]();
    this.lasting = undefined;
  }

  private attempt(signal: AbortSignal): Promise<HelperClient> {
    return this.options.connect(signal);
  }

  private begin(step: ConnectStep): void {
    this.steps.begin(step);
    this.log.add(`step: ${step}`);
    this.show();
  }

  private show(): void {
    if (this.connection.kind === 'connecting') this.set({ kind: 'connecting', steps: this.steps.list });
  }

  private enter(state: ClientState): void {
    switch (state.kind) {
      case 'connecting':
        this.steps = new ConnectionSteps(this.host === LOCAL);
        this.steps.begin(this.host === LOCAL ? 'start-helper' : 'reach');
        this.log.add(`connecting (attempt ${state.attempt})`);
        return this.set({ kind: 'connecting', steps: this.steps.list });
      case 'ready':
        this.steps.finish('done');
        this.log.add(`ready: helper ${state.client.hello.version}, ${state.client.hello.hostname}`);
        this.set({ kind: 'ready', sinceMs: Date.now(), helperVersion: state.client.hello.version, steps: this.steps.list });
        return this.options.onReady(state.client);
      case 'waiting':
      case 'failed': {
        this.steps.finish('failed');
        const { error } = state;
        this.log.add([`${error.code}: ${error.message}`, ...(error.evidence ?? [])].join('\n'));
        const retry = state.kind === 'waiting' ? { retryAtMs: Date.now() + state.retryInMs } : {};
        return this.set({ kind: 'failed', error: asFailure(error), atMs: Date.now(), ...retry, steps: this.steps.list });
      }
      case 'closed':
        return;
      default:
        assertNever(state);
    }
  }

  private set(connection: Connection): void {
    this.connection = connection;
    if (connection.kind !== 'connecting') {
      for (const settle of this.waiting) settle(connection);
      this.waiting.clear();
    }
    this.options.onChange();
  }
}
