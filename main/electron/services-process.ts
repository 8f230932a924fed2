/**
 * The services, in a process of their own: SSH's cryptography and the parsing of what hosts say keep neither the window nor its menus waiting.
 *
 * Should they end, they are started anew. Moves do not suffer: hosts finish alone.
 */
import { utilityProcess, type MessagePortMain, type UtilityProcess } from 'electron';
import { ZapError } from '../../helper/protocol/errors';
import type { CallInput, CallName, CallOutput, CallResult, StreamName } from '../contract';
import type { Answering } from './bridge';
import { asFailure } from './bridge';
import type { EventMessage, FromServices, StartOptions, ToServices } from './wire';

export interface ServicesOptions {
  program: string;
  start: StartOptions;
  vault: { seal(text: string): Promise<string | undefined>; open(text: string): Promise<string | undefined> };
  onEvent: (event: EventMessage) => void;
  onRestarted: () => void;
  onLog: (text: string) => void;
}

/** A process that ends right after its start is given more and more time. */
const FIRST_DELAY_MS = 200;
const MAX_DELAY_MS = 10_000;
const GOOD_AFTER_MS = 30_000;
const STOP_TIMEOUT_MS = 3_000;

export class ServicesProcess implements Answering {
  private child: UtilityProcess | undefined;
  private readonly pending = new Map<number, (result: CallResult<never>) => void>();
  private nextId = 1;
  private isStopping = false;
  private isWatched = true;
  private delayMs = FIRST_DELAY_MS;

  constructor(private readonly options: ServicesOptions) {
    this.launch();
  }

  async call(name: CallName, input: unknown): Promise<CallResult<unknown>> {
    return this.ask((id) => this.post({ kind: 'call', id, name, input }));
  }

  /** For the main process's own questions. */
  async askFor<N extends CallName>(name: N, input: CallInput<N>): Promise<CallOutput<N>> {
    const result = await this.call(name, input);
    if (!result.ok) throw new ZapError(result.error.code as `internal/${string}`, result.error.message, result.error);
    return result.value as CallOutput<N>;
  }

  connect(name: StreamName, input: unknown, port: MessagePortMain): Promise<CallResult<null>> {
    return this.ask((id) => this.post({ kind: 'connect', id, name, input }, [port]));
  }

  /** Whether anybody sees the window: nobody needs news of what is not seen as often. */
  setAttention(isWatched: boolean): void {
    this.isWatched = isWatched;
    this.post({ kind: 'attention', isWatched });
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    const { child } = this;
    if (!child) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => child.kill(), STOP_TIMEOUT_MS);
      child.once('exit', () => {
        clearTimeout(timer);
        resolve();
      });
      this.post({ kind: 'stop' });
    });
  }

  private launch(): void {
    const { program, start, onLog, onRestarted } = this.options;
    const startedMs = Date.now();
    const child = utilityProcess.fork(program, [], { serviceName: 'Zap services', stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => onLog(chunk.toString()));
    child.on('message', (message: FromServices) => this.hear(message));
    child.once('exit', (code) => {
      this.child = undefined;
      const lost = asFailure(new ZapError('internal/services-ended', 'The services of the app ended and are started anew; nothing on the hosts was touched.', { data: { code } }));
      for (const settle of this.pending.values()) settle({ ok: false, error: lost });
      this.pending.clear();
      if (this.isStopping) return;
      onLog(`the services ended with code ${code}\n`);
      this.delayMs = Date.now() - startedMs > GOOD_AFTER_MS ? FIRST_DELAY_MS : Math.min(MAX_DELAY_MS, this.delayMs * 2);
      setTimeout(() => {
        if (this.isStopping) return;
        this.launch();
        onRestarted();
      }, this.delayMs);
    });
    this.post({ kind: 'start', ...start });
    this.post({ kind: 'attention', isWatched: this.isWatched });
  }

  private hear(message: FromServices): void {
    switch (message.kind) {
      case 'ready':
        return;
      case 'result':
        this.pending.get(message.id)?.(message.result as CallResult<never>);
        this.pending.delete(message.id);
        return;
      case 'event':
        return this.options.onEvent(message);
      case 'vault':
        void this.options.vault[message.act](message.text)
          .catch(() => undefined)
          .then((value) => this.post({ kind: 'vault', id: message.id, value }));
    }
  }

  private ask<T>(post: (id: number) => void): Promise<CallResult<T>> {
    return new Promise((resolve) => {
      const id = this.nextId++;
      if (!this.child) return resolve({ ok: false, error: asFailure(new ZapError('internal/services-ended', 'The services of the app are being started anew. Try again.')) });
      this.pending.set(id, resolve as (result: CallResult<never>) => void);
      post(id);
    });
  }

  private post(message: ToServices, ports: MessagePortMain[] = []): void {
    this.child?.postMessage(message, ports);
  }
}

