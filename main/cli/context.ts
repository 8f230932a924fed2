/** What a command works with. */
import { ZapError } from '../../helper/protocol/errors';
import type { HelperClient } from '../helper-client/client';
import { findHelperExecutable } from '../helper-client/executable';
import { Fleet } from '../helper-client/fleet';
import type { Surroundings } from '../hosts/connect';
import { Inventory, LOCAL } from '../hosts/inventory';
import { findPod, type LocatedPod } from '../pods/locate';
import { SessionKeyring } from '../secrets/keyring';
import { formatBytes } from './format';
import type { Output } from './output';
import { terminalPrompter, type TerminalInput } from './prompter';

export interface ContextOptions {
  zapHome: string;
  /** Where zap-helper and environments.json lie. */
  distDirectory: string;
  signal: AbortSignal;
  output: Output;
  stdin: TerminalInput;
  isJson: boolean;
}

export class Context {
  readonly zapHome: string;
  readonly distDirectory: string;
  readonly signal: AbortSignal;
  readonly output: Output;
  readonly stdin: TerminalInput;
  readonly isJson: boolean;
  private openedSurroundings: Surroundings | undefined;
  private openedInventory: Promise<Inventory> | undefined;
  private openedFleet: Promise<Fleet> | undefined;

  constructor(options: ContextOptions) {
    this.zapHome = options.zapHome;
    this.distDirectory = options.distDirectory;
    this.signal = options.signal;
    this.output = options.output;
    this.stdin = options.stdin;
    this.isJson = options.isJson;
  }

  /** Who is asked on the way to hosts: the person at the terminal, if there is one. Secrets are kept as long as this command runs. */
  get surroundings(): Surroundings {
    return (this.openedSurroundings ??= {
      prompter: terminalPrompter(this.stdin, this.output),
      keyring: new SessionKeyring(),
      onNote: (text) => this.output.progress(text),
    });
  }

  inventory(): Promise<Inventory> {
    return (this.openedInventory ??= Inventory.open(this.zapHome));
  }

  fleet(): Promise<Fleet> {
    return (this.openedFleet ??= this.inventory().then(
      (inventory) =>
        new Fleet(inventory, {
          executable: () => findHelperExecutable(this.distDirectory),
          surroundings: this.surroundings,
          onInstall: (host, bytes, totalBytes) => this.output.progress(`installing the helper on ${host}: ${formatBytes(bytes)} of ${formatBytes(totalBytes)}`),
        }),
    ));
  }

  /** The host named, or the only one there is. */
  async hostOr(named: string | undefined): Promise<string> {
    const inventory = await this.inventory();
    if (named !== undefined) {
      if (!inventory.has(named)) inventory.get(named);
      return named;
    }
    if (inventory.names.length === 1) return inventory.names[0]!;
    throw new ZapError('usage/host-needed', 'Say which host: --host HOST.', { hint: `Hosts: ${[LOCAL, ...inventory.names].join(', ')}.` });
  }

  async client(host: string): Promise<HelperClient> {
    return (await this.fleet()).client(host, this.signal);
  }

  /** The POD of this name or id, on whichever host it is. */
  async pod(reference: string): Promise<LocatedPod> {
    return findPod(await this.fleet(), reference, this.signal);
  }

  async close(): Promise<void> {
    this.output.endProgress();
    await (await this.openedFleet?.catch(() => undefined))?.close();
  }
}
