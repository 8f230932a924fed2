/** A lab of two hosts for a file of tests, with the product just built and an environment to run PODs from. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { openLab, type Lab } from '../../lab';
import { describeAsRoot } from './as-root';
import { ensureBuilt } from './build';
import { ensureEnvironment } from './environment';
import { HostView, type PodRecordView } from './host-view';
import { until } from './until';
import { stateOf, witnessCommand, type WitnessState } from './witness';
import { Zap } from './zap';

export type HostName = 'alpha' | 'beta';
export const hostNames: HostName[] = ['alpha', 'beta'];
export const environmentName = 'suite';

/** Debootstrap of hosts and environments happens once per machine. */
const upWithinMs = 900_000;

export interface NewPod {
  host?: HostName;
  /** Arguments of `pod create`; without --network it gets an address of the lab's network. */
  options?: string[];
  /** The witness when left out; null starts what the environment is for, a screen. */
  command?: string[] | null;
}

export interface TestPod {
  name: string;
  address: string;
  record: PodRecordView;
  born: WitnessState;
}

export class Suite {
  lab!: Lab;
  zap!: Zap;
  alpha!: HostView;
  beta!: HostView;
  subnet!: string;
  private home: string | undefined;
  private lastNumber = 20;

  async up(): Promise<void> {
    await ensureBuilt();
    this.home = await mkdtemp(join(tmpdir(), 'zap-suite-'));
    this.zap = new Zap(this.home);
    await ensureEnvironment(this.zap, environmentName, join(import.meta.dirname, 'environment'));
    const { hosts } = await this.zap.json<{ hosts: { name: string; address: string }[] }>('lab', 'up', '--hosts', '2');
    this.lab = await openLab({ zapHome: this.home });
    this.subnet = hosts[0]!.address.replace(/\.\d+$/, '');
    this.alpha = new HostView(this.lab, 'alpha');
    this.beta = new HostView(this.lab, 'beta');
  }

  async down(): Promise<void> {
    if (this.home === undefined) return;
    await this.zap.json('lab', 'down');
    expect(await this.lab?.leftovers() ?? []).toEqual([]);
    await rm(this.home, { recursive: true, force: true });
  }

  view(host: HostName): HostView {
    return host === 'alpha' ? this.alpha : this.beta;
  }

  other(host: HostName): HostName {
    return host === 'alpha' ? 'beta' : 'alpha';
  }

  /** An address of the lab's network that nobody has. */
  newAddress(): string {
    return `${this.subnet}.${this.lastNumber++}`;
  }

  lan(address: string): string[] {
    return ['--network', `lan:${address}/24`];
  }

  async create(name: string, { host = 'alpha', options, command = witnessCommand }: NewPod = {}): Promise<{ pod: { id: string; address?: string; mac: string }; host: string }> {
    return this.zap.json('pod', 'create', name, '--host', host, '--env', environmentName, ...(options ?? this.lan(this.newAddress())), ...(command ? ['--', ...command] : []));
  }

  /** A POD with an address and a witness that has answered. */
  async createAlive(name: string, options: NewPod = {}): Promise<TestPod> {
    const { pod } = await this.create(name, options);
    const address = pod.address!;
    return { name, address, record: this.view(options.host ?? 'alpha').record(name)!, born: await stateOf(address) };
  }

  async delete(...names: string[]): Promise<void> {
    for (const name of names) await this.zap.run(['pod', 'delete', name, '--yes', '--json']);
  }

  exec(name: string, ...command: string[]): Promise<{ exitCode: number; stdout: string; stderr: string }> {
    return this.zap.run(['pod', 'exec', name, '--json', '--', ...command]).then(({ stdout }) => JSON.parse(stdout.toString()) as { exitCode: number; stdout: string; stderr: string });
  }

  /** Nothing of the POD is on this host; the end of a helper that still cleans up is waited for. */
  async requireGone(host: HostName, record: PodRecordView): Promise<void> {
    await until(`nothing of ${record.name} on ${host}`, () => this.view(host).traces(record).length === 0, { withinMs: 5000 }).catch(() => {});
    expect(this.view(host).traces(record), `traces of ${record.name} on ${host}`).toEqual([]);
  }
}

export function describeInLab(name: string, define: (suite: Suite) => void): void {
  describeAsRoot(name, () => {
    const suite = new Suite();
    beforeAll(() => suite.up(), upWithinMs);
    afterAll(() => suite.down(), 60_000);
    define(suite);
  });
}
