/**
 * Everything that the app's services share: the hosts and what is known of them, the tasks, the questions, the settings.
 *
 * It is a projection: the hosts are the truth, and whatever is shown was said by one of them.
 */
import { readRecipeBundle } from '../environments/recipe';
import type { HelperClient } from '../helper-client/client';
import { findHelperExecutable } from '../helper-client/executable';
import { FactsCache } from '../helper-client/facts-cache';
import type { Surroundings } from '../hosts/connect';
import { Inventory, LOCAL } from '../hosts/inventory';
import { makeZapHome } from '../hosts/zap-home';
import { LineLog } from '../logs/line-log';
import { PromptQueue } from '../prompts/queue';
import { VaultKeyring, type Vault } from '../secrets/vault-keyring';
import { SettingsFile } from '../settings/settings-file';
import type { Recipe } from '../../helper/protocol/model';
import { ZapError } from '../../helper/protocol/errors';
import { version } from '../../package.json';
import type { EventData, EventName, Host, Task } from '../contract';
import type { Pod } from '../pods/locate';
import type { Hosts } from '../streams/lookout';
import { TaskBoard } from '../tasks/board';
import { TaskHistory } from '../tasks/history';
import { DeskFleet } from './desk-fleet';
import { Doubts } from './doubts';
import { HostLink } from './host-link';
import { HostWatch } from './host-watch';
import { describeHost, type HostKnowledge } from './host-view';
import { projectPods } from './pod-projection';
import { KEPT_SAMPLES, Sampler } from './sampler';
import { StateStore } from './state-store';

export interface DeskOptions {
  zapHome: string;
  /** Where zap-helper and environments.json lie. */
  distDirectory: string;
  vault: Vault;
  emit: <N extends EventName>(name: N, data: EventData<N>) => void;
}

export class Desk {
  readonly log = new LineLog();
  readonly store: StateStore;
  readonly board: TaskBoard;
  readonly prompts: PromptQueue;
  readonly keyring: VaultKeyring;
  readonly fleet: DeskFleet;
  readonly facts: FactsCache;
  readonly sampler: Sampler;
  private readonly doubts: Doubts;
  readonly links = new Map<string, HostLink>();
  readonly known = new Map<string, HostKnowledge>();
  isWatched = true;
  private readonly watches = new Map<string, HostWatch>();
  private readonly clients = new Map<string, HelperClient>();
  private readonly podsOf = new Map<string, Pod[]>();

  static async open(options: DeskOptions): Promise<Desk> {
    await makeZapHome(options.zapHome);
    const [inventory, settings, recipes] = await Promise.all([Inventory.open(options.zapHome), SettingsFile.open(options.zapHome), readRecipeBundle(`${options.distDirectory}/environments.json`)]);
    return new Desk(options, inventory, settings, recipes);
  }

  private constructor(
    readonly options: DeskOptions,
    readonly inventory: Inventory,
    readonly settings: SettingsFile,
    readonly recipes: readonly Recipe[],
  ) {
    const { zapHome, vault, emit } = options;
    this.store = new StateStore(
      settings.settings,
      recipes.map(({ name, description, hasDisplay }) => ({ name, description, hasDisplay })),
      { version, platform: process.platform, canRememberSecrets: vault.canKeep },
      (event) => emit('state', event),
    );
    this.board = new TaskBoard(new TaskHistory(zapHome), { onTask: (task) => this.onTask(task), onGone: (id) => this.store.dropTask(id) });
    this.prompts = new PromptQueue({ onAsked: (prompt) => this.store.putPrompt(prompt), onGone: (id) => this.store.dropPrompt(id) }, vault.canKeep);
    this.keyring = new VaultKeyring(zapHome, vault, this.prompts.isToBeKept);
    this.fleet = new DeskFleet(
      inventory,
      {
        executable: () => findHelperExecutable(options.distDirectory),
        surroundings: (host) => ({ keyring: this.keyring, ...this.links.get(host)?.surroundings }),
        onInstall: (host, bytes, total) => this.links.get(host)?.onInstall(bytes, total),
      },
      () => [...this.links.values()].filter(({ isReady }) => isReady).map(({ host }) => host),
      (host) => this.prompts.prompter(host),
    );
    this.facts = new FactsCache(this.fleet);
    this.doubts = new Doubts(this.fleet, () => void this.refresh(this.watches.keys()));
    this.sampler = new Sampler({
      pods: () => this.store.allPods,
      client: (host) => this.clients.get(host),
      isWatched: () => this.isWatched,
      onSamples: (pods) => emit('samples', { pods, hosts: [] }),
    });
  }

  get hostNames(): string[] {
    return [LOCAL, ...this.inventory.names];
  }

  /** Of a host that is connected now. */
  ready(host: string): HelperClient {
    const client = this.clients.get(host);
    if (client) return client;
    if (!this.inventory.has(host)) this.inventory.get(host); // throws with the names that exist
    const connection = this.links.get(host)?.connection;
    if (connection?.kind === 'failed') throw ZapError.fromWire(connection.error);
    throw new ZapError('host/not-connected', `${host} is not connected.`, { hint: 'Connect it first.', data: { host } });
  }

  /** The same for whoever can wait: a host that is being connected is waited for. */
  async reached(host: string, signal?: AbortSignal): Promise<HelperClient> {
    await this.links.get(host)?.settled(signal);
    return this.ready(host);
  }

  /** Resolves when no host is being connected: whoever looks for a place among all of them does not miss one. */
  async settled(signal?: AbortSignal): Promise<void> {
    await Promise.all([...this.links.values()].map((link) => link.settled(signal)));
  }

  /** For views of a POD. A host that is away may be the very one it is on: as long as it owes an answer, nobody says that the POD is gone. */
  readonly lookedAt: Hosts = ((desk: Desk): Hosts => ({
    get hosts() {
      return [...desk.links.values()].filter(({ connection }) => connection.kind !== 'idle').map(({ host }) => host);
    },
    client: async (host) => desk.ready(host),
  }))(this);

  clientOf(host: string): HelperClient | undefined {
    return this.clients.get(host);
  }

  link(host: string): HostLink {
    let link = this.links.get(host);
    if (!link) {
      link = new HostLink({
        host,
        connect: (signal) => this.fleet.client(host, signal),
        onChange: () => this.onConnection(host),
        onReady: (client) => this.onReady(host, client),
      });
      this.links.set(host, link);
    }
    return link;
  }

  knowledge(host: string): HostKnowledge {
    let known = this.known.get(host);
    if (!known) this.known.set(host, (known = { facts: null, diagnosis: null, environments: [], samples: [] }));
    return known;
  }

  /** Whoever started it may be asked. */
  asking(host: string, signal: AbortSignal): Surroundings {
    return {
      prompter: this.prompts.prompter(host),
      acceptKey: async ({ target, keyType, fingerprint, otherTypes }) =>
        (await this.prompts.ask({ kind: 'host-key', host, address: `${target.user}@${target.address}:${target.port}`, keyType, fingerprint, otherTypes }, signal)).kind === 'yes',
    };
  }

  /** After something was done to hosts: what they have now is asked at once. */
  async refresh(hosts: Iterable<string>, isThorough = false): Promise<void> {
    await Promise.all([...new Set(hosts)].map(async (host) => this.watches.get(host)?.refresh({ isThorough })));
  }

  showHost(host: string): void {
    const link = this.links.get(host);
    if (link) this.store.putHost(this.hostView(host, link));
  }

  forgetHost(host: string): void {
    const link = this.links.get(host);
    this.links.delete(host); // what its end changes is not shown any more: the inventory may not know it either
    link?.close();
    this.known.delete(host);
    this.podsOf.delete(host);
    this.store.dropHost(host);
    this.showPods();
  }

  attend(isWatched: boolean): void {
    const isBack = isWatched && !this.isWatched;
    this.isWatched = isWatched;
    if (isBack) void this.refresh(this.watches.keys());
  }

  async close(): Promise<void> {
    this.sampler[Symbol.dispose]();
    this.doubts[Symbol.dispose]();
    for (const watch of this.watches.values()) watch[Symbol.dispose]();
    for (const link of this.links.values()) link[Symbol.dispose]();
    this.store.close();
    await this.fleet.close();
    await this.board.settled();
  }

  private hostView(host: string, link: HostLink): Host {
    return describeHost(this.inventory, host, link.connection, this.knowledge(host));
  }

  private onConnection(host: string): void {
    const link = this.links.get(host);
    if (!link?.isReady && this.clients.delete(host)) {
      this.watches.get(host)?.[Symbol.dispose]();
      this.watches.delete(host);
      this.showPods();
    }
    if (link) this.store.putHost(this.hostView(host, link));
  }

  private onReady(host: string, client: HelperClient): void {
    const known = this.knowledge(host);
    this.clients.set(host, client);
    this.watches.get(host)?.[Symbol.dispose]();
    this.watches.set(
      host,
      new HostWatch(client, this.facts, () => this.isWatched, {
        onPods: (pods) => {
          this.podsOf.set(host, pods);
          this.showPods();
          this.doubts.notice([...this.podsOf].filter(([name]) => this.clients.has(name)).flatMap(([name, found]) => found.map((pod) => ({ host: name, pod }))));
        },
        onFacts: ({ hostname, arch, kernel, cpuModel, cpus, memoryTotalBytes, diskFreeBytes, criu, addresses, limitControllers }, sample) => {
          known.facts = { hostname, arch, kernel, cpuModel, cpus, memoryTotalBytes, diskFreeBytes, criuVersion: criu?.version ?? null, addresses, limitControllers };
          known.samples = [...known.samples, sample].slice(-KEPT_SAMPLES);
          this.options.emit('samples', { pods: [], hosts: [sample] });
          this.showHost(host);
        },
        onEnvironments: (environments) => {
          known.environments = environments;
          this.showHost(host);
        },
        onTrouble: (error) => this.links.get(host)?.log.add(`${error.code}: ${error.message}`),
      }),
    );
  }

  private onTask(task: Task): void {
    this.store.putTask(task);
    if (task.subject.pod !== undefined) this.showPods();
  }

  private showPods(): void {
    const views = projectPods({ podsOf: this.podsOf, isReady: (host) => this.clients.has(host), atWork: this.board.atWork, before: this.store.allPods });
    const present = new Set(views.map(({ id }) => id));
    for (const { id } of this.store.allPods) if (!present.has(id)) this.store.dropPod(id);
    for (const view of views) this.store.putPod(view);
    this.sampler.notice(views);
  }
}
