/** Three hosts whose helpers stop where they are told to, and a desktop. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ZapError } from '../../helper/protocol/errors';
import { findHelperExecutable } from '../../main/helper-client/executable';
import type { HelperClient } from '../../main/helper-client/client';
import { Fleet } from '../../main/helper-client/fleet';
import { Inventory, LOCAL } from '../../main/hosts/inventory';
import { copyEnvironment } from '../../main/moves/environment';
import { readRecipeBundle } from '../../main/environments/recipe';
import { HostView } from '../integration/support/host-view';
import { until } from '../integration/support/until';
import { labDown, labUp, type Lab } from '../lab';

export const hostNames = ['alpha', 'beta', 'gamma'] as const;
export type Host = (typeof hostNames)[number];

const idleWithinMs = 90_000;

export class FaultLab implements AsyncDisposable {
  readonly views: Record<Host, HostView>;
  private environment = '';
  private lastNumber = 20;

  private constructor(
    private readonly zapHome: string,
    readonly distDirectory: string,
    readonly lab: Lab,
    private readonly isKept: boolean,
  ) {
    this.views = { alpha: new HostView(lab, 'alpha'), beta: new HostView(lab, 'beta'), gamma: new HostView(lab, 'gamma') };
  }

  /** With a home of its own the lab is left up, and found again. The environment is built when this computer has none of that name. */
  static async up(distDirectory: string, { home, environment = 'shell' }: { home?: string | undefined; environment?: string } = {}): Promise<FaultLab> {
    const zapHome = home ?? (await mkdtemp(join(tmpdir(), 'zap-fault-')));
    try {
      const faultLab = new FaultLab(zapHome, distDirectory, await labUp({ zapHome, hosts: hostNames.length }), home !== undefined);
      await faultLab.lab.allowRealTime().catch((error: unknown) => process.stderr.write(`WARNING: ${ZapError.from(error).message} Faults that kill CRIU at work may lose a POD in this run.\n`));
      await faultLab.wipe();
      await faultLab.bringEnvironment(environment);
      return faultLab;
    } catch (error) {
      await labDown({ zapHome });
      await rm(zapHome, { recursive: true, force: true });
      throw error;
    }
  }

  async openFleet(): Promise<Fleet> {
    return new HostsOfTheLab(await Inventory.open(this.zapHome), { executable: () => findHelperExecutable(this.distDirectory) });
  }

  async withFleet<T>(act: (fleet: Fleet) => Promise<T>): Promise<T> {
    const fleet = await this.openFleet();
    try {
      return await act(fleet);
    } finally {
      await fleet.close();
    }
  }

  /** The command as people start it. */
  startCommand(args: readonly string[]): ChildProcess {
    return spawn(process.execPath, [join(this.distDirectory, 'zap.mjs'), ...args, '--json'], { env: { ...process.env, ZAP_HOME: this.zapHome }, stdio: 'ignore' });
  }

  async create(fleet: Fleet, name: string, host: Host): Promise<string> {
    const client = await fleet.client(host);
    const address = `${this.lab.hosts[0]!.address.replace(/\.\d+$/, '')}.${this.lastNumber++}`;
    if (this.lastNumber > 240) this.lastNumber = 20;
    const { id } = await client.call('pod.create', { name, environment: this.environment, network: { profile: 'lan', address, prefixLength: 24 }, limits: {}, command: ['sh', '-c', life] });
    return id;
  }

  /** Lets helpers that start from now on stop at moments; to be repeated when a host was down. */
  arm(host: Host): void {
    const directory = this.faults(host);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(directory)) rmSync(join(directory, name), { force: true });
  }

  stopAt(host: Host, moment: string, order = ''): void {
    writeFileSync(this.momentPath(host, moment), order);
  }

  isReached(host: Host, moment: string): boolean {
    const path = this.momentPath(host, moment);
    return existsSync(`${path}.reached`) || existsSync(`${path}.failed`);
  }

  goOn(host: Host, moment: string): void {
    rmSync(this.momentPath(host, moment), { force: true });
    rmSync(`${this.momentPath(host, moment)}.reached`, { force: true });
  }

  /** All helpers have come to their end. */
  async idle(): Promise<void> {
    await until('the end of all helpers', async () => (await Promise.all(hostNames.map((host) => this.views[host].programs('zap-helper')))).flat().length === 0, { withinMs: idleWithinMs, everyMs: 20 });
  }

  /** A host's power comes back. */
  async boot(host: Host): Promise<void> {
    await this.lab.startHost(host);
    this.arm(host);
  }

  /** No POD, no transfer and no helper is on any host any more, whatever was there: helpers that wait for a person's decision as well. */
  async wipe(): Promise<void> {
    await Promise.all(hostNames.map(async (host) => {
      const isClean = this.isUp(host) && this.views[host].records().length === 0 && this.views[host].journals().length === 0 && (await this.views[host].programs('zap-helper')).length === 0;
      if (!isClean) {
        if (this.isUp(host)) await this.lab.killHost(host);
        await this.lab.startHost(host);
        for (const place of ['pods', 'transfers']) await rm(this.views[host].path('var/lib/zap', place), { recursive: true, force: true });
      }
      this.arm(host);
    }));
  }

  isUp(host: Host): boolean {
    try {
      return this.lab.pidOf(host) > 0;
    } catch {
      return false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.isKept) await this.remove();
  }

  async remove(): Promise<void> {
    const left = await labDown({ zapHome: this.zapHome });
    await rm(this.zapHome, { recursive: true, force: true });
    if (left.length > 0) throw new ZapError('lab/leftovers', `The lab could not be removed: ${left.join(', ')}`);
  }

  private faults(host: Host): string {
    return this.views[host].path('run/zap/faults');
  }

  private momentPath(host: Host, moment: string): string {
    return join(this.faults(host), moment.replaceAll(/[^a-z0-9]+/gi, '-'));
  }

  private async bringEnvironment(environmentName: string): Promise<void> {
    await this.withFleet(async (fleet) => {
      const local = await fleet.client(LOCAL);
      const { environments } = await local.call('environment.list', {});
      const present = environments.find(({ names }) => names.includes(environmentName));
      const recipe = (await readRecipeBundle(join(this.distDirectory, 'environments.json'))).find(({ name }) => name === environmentName);
      this.environment = (present ?? (await local.call('environment.build', { recipe: recipe! }))).digest;
      for (const host of hostNames) await copyEnvironment(fleet, LOCAL, host, this.environment, {});
    });
    await this.idle();
  }
}

/** Without this computer, which is the desktop alone. An operation that was given up connects to nobody any more. */
class HostsOfTheLab extends Fleet {
  private isClosed = false;

  override client(host: string, signal?: AbortSignal): Promise<HelperClient> {
    return this.isClosed ? Promise.reject(new ZapError('lab/given-up', 'This desktop was closed.')) : super.client(host, signal);
  }

  override close(): Promise<void> {
    this.isClosed = true;
    return super.close();
  }

  override get hosts(): string[] {
    return this.inventory.names;
  }
}

/** A POD that can be told from any other, and from itself in a later life: a token in memory, a number that grows, pages to carry. */
const life = 'token=$(cat /proc/sys/kernel/random/uuid); head -c 3000000 /dev/urandom >/dev/shm/ballast; n=0; while :; do n=$((n+1)); echo "$token $n" >/tmp/life; sleep 0.02; done';
