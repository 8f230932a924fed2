/** The helpers of all hosts, each connected when it is first needed and kept for the life of the program. */
import { existsSync } from 'node:fs';
import { ZapError } from '../../helper/protocol/errors';
import { openHost, type Surroundings } from '../hosts/connect';
import { LOCAL, type Inventory } from '../hosts/inventory';
import { CheckpointKeys } from '../secrets/checkpoint-keys';
import type { HelperClient } from './client';
import { connectHelper } from './connect';
import type { HelperExecutable } from './executable';

export interface FleetOptions {
  executable: () => Promise<HelperExecutable>;
  onInstall?: ((host: string, bytes: number, totalBytes: number) => void) | undefined;
  /** Who answers the questions on the way to a host. */
  surroundings?: Surroundings | ((host: string) => Surroundings) | undefined;
}

export interface HostFailure {
  host: string;
  error: ZapError;
}

export interface Answers<T> {
  answers: { host: string; value: T }[];
  failures: HostFailure[];
}

export class Fleet {
  private readonly clients = new Map<string, Promise<HelperClient>>();

  constructor(
    readonly inventory: Inventory,
    private readonly options: FleetOptions,
  ) {}

  /** What suspended PODs of a host are opened with. */
  checkpointKeys(host: string): CheckpointKeys {
    return new CheckpointKeys(this.inventory.zapHome, this.surroundingsOf(host)?.prompter);
  }

  /** Hosts that PODs may be on. This computer counts once a helper has worked on it: asking needs root and leaves traces. */
  get hosts(): string[] {
    return existsSync('/var/lib/zap') ? [...this.inventory.names, LOCAL] : this.inventory.names;
  }

  client(host: string, signal?: AbortSignal): Promise<HelperClient> {
    let client = this.clients.get(host);
    if (!client) {
      client = this.connect(host, signal);
      this.clients.set(host, client);
      client.then(
        (connected) => void connected.closed.then(() => this.forget(host, client!)),
        () => this.forget(host, client!),
      );
    }
    return client;
  }

  /** Asks all hosts at once; the ones that cannot answer are told apart, not thrown. */
  async askAll<T>(ask: (client: HelperClient) => Promise<T>, options: { hosts?: readonly string[]; signal?: AbortSignal | undefined } = {}): Promise<Answers<T>> {
    const result: Answers<T> = { answers: [], failures: [] };
    await Promise.all(
      (options.hosts ?? this.hosts).map(async (host) => {
        try {
          const value = await ask(await this.client(host, options.signal));
          result.answers.push({ host, value });
        } catch (error) {
          result.failures.push({ host, error: ZapError.from(error) });
        }
      }),
    );
    if (options.signal?.aborted) throw new ZapError('cancelled/by-user', 'Cancelled.');
    const byHost = (a: { host: string }, b: { host: string }): number => a.host.localeCompare(b.host);
    result.answers.sort(byHost);
    result.failures.sort(byHost);
    return result;
  }

  async close(): Promise<void> {
    const clients = [...this.clients.values()];
    this.clients.clear();
    for (const client of await Promise.allSettled(clients)) if (client.status === 'fulfilled') client.value.close();
  }

  private async connect(host: string, signal: AbortSignal | undefined): Promise<HelperClient> {
    if (!this.inventory.has(host)) this.inventory.get(host); // throws with the names that exist
    const executable = await this.options.executable();
    const { onInstall } = this.options;
    const surroundings = this.surroundingsOf(host);
    const transport = await openHost(this.inventory, host, { signal, ...surroundings });
    surroundings?.onStep?.('start-helper');
    return connectHelper(transport, { prompter: surroundings?.prompter, keyring: surroundings?.keyring, host, executable, isLocal: host === LOCAL, signal, onNote: surroundings?.onNote, onInstall: onInstall && ((bytes, total) => onInstall(host, bytes, total)) });
  }

  private surroundingsOf(host: string): Surroundings | undefined {
    const { surroundings } = this.options;
    return typeof surroundings === 'function' ? surroundings(host) : surroundings;
  }

  private forget(host: string, client: Promise<HelperClient>): void {
    if (this.clients.get(host) === client) this.clients.delete(host);
  }
}
