/**
 * A helper that is wanted for long: connected again when its connection is lost, ever more patiently.
 *
 * What waiting cannot mend (a key that does not match, a login that is refused) ends the attempts until somebody asks again.
 */
import { ZapError, assertNever } from '../../helper/protocol/errors';
import type { HelperClient } from './client';

export type ClientState =
  | { kind: 'connecting'; attempt: number }
  | { kind: 'ready'; client: HelperClient }
  | { kind: 'waiting'; error: ZapError; retryInMs: number }
  | { kind: 'failed'; error: ZapError }
  | { kind: 'closed' };

export interface LastingOptions {
  connect: (signal: AbortSignal) => Promise<HelperClient>;
  onState?: ((state: ClientState) => void) | undefined;
  firstDelayMs?: number;
  maxDelayMs?: number;
  /** 0 to 1; spreads hosts that were lost together. */
  random?: () => number;
}

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 30_000;
/** A connection that lives this long was a good one: the next loss starts from the shortest delay. */
const GOOD_AFTER_MS = 10_000;

/** Failures that pass by themselves. */
const passing = new Set(['host/timeout', 'host/refused', 'host/unreachable', 'host/connection-lost', 'host/connection-failed', 'host/name-not-found', 'host/handshake-failed', 'host/proxy-failed']);

export class LastingClient implements Disposable {
  private current: ClientState = { kind: 'connecting', attempt: 1 };
  private readonly stop = new AbortController();
  private failures = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: LastingOptions) {
    void this.attempt();
  }

  get state(): ClientState {
    return this.current;
  }

  /** Tries at once, whatever the state: the person does not want to wait, or has mended what failed. */
  retry(): void {
    switch (this.current.kind) {
      case 'waiting':
      case 'failed':
        clearTimeout(this.timer);
        void this.attempt();
        return;
      case 'connecting':
      case 'ready':
      case 'closed':
        return;
      default:
        assertNever(this.current);
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.timer);
    this.stop.abort();
    if (this.current.kind === 'ready') this.current.client.close();
    this.enter({ kind: 'closed' });
  }

  private async attempt(): Promise<void> {
    this.enter({ kind: 'connecting', attempt: this.failures + 1 });
    let client: HelperClient;
    try {
      client = await this.options.connect(this.stop.signal);
    } catch (thrown) {
      const error = ZapError.from(thrown);
      if (this.stop.signal.aborted) return;
      if (passing.has(error.code)) this.wait(error);
      else this.enter({ kind: 'failed', error });
      return;
    }
    if (this.stop.signal.aborted) return client.close();
    const sinceMs = Date.now();
    this.enter({ kind: 'ready', client });
    await client.closed;
    if (this.stop.signal.aborted) return;
    if (Date.now() - sinceMs > GOOD_AFTER_MS) this.failures = 0;
    this.wait(new ZapError('host/connection-lost', `The connection to ${client.host} ended.`, { data: { host: client.host } }));
  }

  private wait(error: ZapError): void {
    const { firstDelayMs = FIRST_DELAY_MS, maxDelayMs = MAX_DELAY_MS, random = Math.random } = this.options;
    const fullMs = Math.min(maxDelayMs, firstDelayMs * 2 ** this.failures++);
    const retryInMs = Math.round(fullMs * (0.5 + random() / 2));
    this.enter({ kind: 'waiting', error, retryInMs });
    this.timer = setTimeout(() => void this.attempt(), retryInMs);
  }

  private enter(state: ClientState): void {
    if (this.current.kind === 'closed') return;
    this.current = state;
    this.options.onState?.(state);
  }
}
