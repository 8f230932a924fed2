/** Two hosts of a lab of their own, and what is done with PODs on them: through the client library, in this process. */
import { setMaxListeners } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Input } from '../../helper/protocol/contract';
import { ZapError } from '../../helper/protocol/errors';
import { readRecipeBundle } from '../../main/environments/recipe';
import { findHelperExecutable } from '../../main/helper-client/executable';
import { Fleet } from '../../main/helper-client/fleet';
import { Inventory, LOCAL } from '../../main/hosts/inventory';
import { movePod, type MoveReport } from '../../main/moves/coordinator';
import { ensureEnvironment } from '../../main/moves/environment';
import { findPod } from '../../main/pods/locate';
import { labDown, labUp, type Lab } from '../lab';
import { progress } from './progress';
import { benchRecipes } from './recipes';
import type { ExecOptions, Place } from './scenarios';

export type Host = 'alpha' | 'beta';

export interface NewPod {
  host: Host;
  environment: string;
  /** Last byte of its address on the lab's network; without one it has no network. */
  number?: number;
  command?: string[];
}

export class BenchLab implements AsyncDisposable {
  private constructor(
    private readonly zapHome: string,
    readonly distDirectory: string,
    readonly lab: Lab,
    readonly fleet: Fleet,
    readonly signal: AbortSignal,
  ) {}

  static async up(distDirectory: string, signal: AbortSignal): Promise<BenchLab> {
    setMaxListeners(0, signal); // many moves at once hear of it
    const zapHome = await mkdtemp(join(tmpdir(), 'zap-bench-'));
    try {
      const lab = await labUp({ zapHome, hosts: 2, onLine: progress });
      const fleet = new Fleet(await Inventory.open(zapHome), { executable: () => findHelperExecutable(distDirectory) });
      return new BenchLab(zapHome, distDirectory, lab, fleet, signal);
    } catch (error) {
      await down(zapHome).catch(() => {}); // the first failure is the one to tell
      throw error;
    }
  }

  /** First three bytes of the lab's addresses. */
  get subnet(): string {
    return this.lab.hosts[0]!.address.replace(/\.\d+$/, '');
  }

  async createPod(name: string, { host, environment, number, command }: NewPod): Promise<void> {
    const digest = await this.environment(environment, host);
    const network: Input<'pod.create'>['network'] = number === undefined ? { profile: 'none' } : { profile: 'lan', address: `${this.subnet}.${number}`, prefixLength: 24 };
    const client = await this.fleet.client(host, this.signal);
    await client.call('pod.create', { name, environment: digest, network, limits: {}, ...(command ? { command } : {}) }, { signal: this.signal });
  }

  /** Standard output of a command in the POD. */
  async exec(pod: string, command: string[], options: ExecOptions = {}): Promise<string> {
    const { host, pod: found } = await findPod(this.fleet, pod, this.signal);
    const client = await this.fleet.client(host, this.signal);
    const call = client.start('pod.exec', { pod: found.id, command, detach: options.detach ?? false, ...(options.user === undefined ? {} : { user: options.user }) }, { signal: this.signal });
    const chunks: Buffer[] = [];
    const [stdio, stderr] = [call.lane(0), call.lane(2)];
    for (const lane of [stdio, stderr]) lane.on('error', () => {}); // the call's own failure tells
    stderr.resume();
    stdio.on('data', (chunk: Buffer) => chunks.push(chunk));
    const ended = new Promise((resolve) => stdio.once('end', resolve).once('close', resolve));
    stdio.end();
    const { exitCode } = await call.result;
    await ended;
    if (exitCode !== 0) throw new ZapError('pod/exec-failed', `"${command.join(' ').slice(0, 80)}" ended with exit code ${exitCode} in ${pod}.`);
    return Buffer.concat(chunks).toString();
  }

  place(pod: string, number: number): Place {
    return { address: `${this.subnet}.${number}`, exec: (command, options) => this.exec(pod, command, options) };
  }

  async move(pod: string, to: Host, mayMemoryFollow = false): Promise<MoveReport> {
    return movePod(this.fleet, await findPod(this.fleet, pod, this.signal), to, { resume: true, mayMemoryFollow, signal: this.signal });
  }

  async deletePod(name: string): Promise<void> {
    const { host, pod } = await findPod(this.fleet, name);
    await (await this.fleet.client(host)).call('pod.delete', { pod: pod.id });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fleet.close();
    const leftovers = await down(this.zapHome);
    if (leftovers.length > 0) progress(`could not be removed: ${leftovers.join(', ')}`);
  }

  /** Digest of an environment; built on this computer, where it stays for the next time, and brought to the host. */
  async environment(name: string, host: Host): Promise<string> {
    const local = await this.fleet.client(LOCAL, this.signal);
    const { environments } = await local.call('environment.list', {}, { signal: this.signal });
    if (!environments.some(({ names }) => names.includes(name))) {
      const recipe = [...benchRecipes, ...(await readRecipeBundle(join(this.distDirectory, 'environments.json')))].find((candidate) => candidate.name === name);
      if (!recipe) throw new ZapError('environment/no-recipe', `There is no recipe "${name}" yet.`);
      progress(`building the environment ${name}, which takes some minutes`);
      await local.call('environment.build', { recipe }, { signal: this.signal });
    }
    return (await ensureEnvironment(this.fleet, host, name, { recipeNames: [], signal: this.signal })).digest;
  }
}

async function down(zapHome: string): Promise<string[]> {
  const leftovers = await labDown({ zapHome });
  await rm(zapHome, { recursive: true, force: true });
  return leftovers;
}
