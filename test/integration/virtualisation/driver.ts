/** The product as the suite sees it: two hosts, PODs, moves; all through the `zap` command. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt } from '../support/build';
import { ensureEnvironment } from '../support/environment';
import { Zap } from '../support/zap';

export type Host = 'alpha' | 'beta';

export interface NewPod {
  host: Host;
  /** The last byte of its address on the lab's network. */
  number: number;
  command: string[];
}

export interface Driver {
  /** An address outside the hosts which PODs reach, and which reaches PODs. */
  outsideAddress: string;
  createPod(name: string, pod: NewPod): Promise<void>;
  /** Runs a command in the POD; its standard output. */
  exec(name: string, command: string[]): Promise<string>;
  move(name: string, to: Host): Promise<void>;
  /** What is said against a move, which must fail. */
  refusal(name: string, to: Host): Promise<string>;
  deletePod(name: string): Promise<void>;
  down(): Promise<void>;
}

/** Starts a lab of its own; PODs start from the environment `probe`. */
export async function startDriver(recipeDirectory: string): Promise<Driver> {
  await ensureBuilt();
  const zap = new Zap(await mkdtemp(join(tmpdir(), 'zap-virtualisation-')));
  const down = async (): Promise<void> => {
    await zap.json('lab', 'down');
    await rm(zap.home, { recursive: true, force: true });
  };
  try {
    const { hosts } = await zap.json<{ hosts: { address: string }[] }>('lab', 'up', '--hosts', '2');
    const subnet = hosts[0]!.address.replace(/\.\d+$/, '');
    await ensureEnvironment(zap, 'probe', recipeDirectory);
    return {
      outsideAddress: `${subnet}.254`,
      async createPod(name, { host, number, command }) {
        await zap.json('pod', 'create', name, '--host', host, '--env', 'probe', '--network', `lan:${subnet}.${number}/24`, '--', ...command);
      },
      async exec(name, command) {
        const { exitCode, stdout, stderr } = await zap.run(['pod', 'exec', name, '--', ...command]);
        if (exitCode !== 0) throw new Error(`${command.join(' ')} in ${name} ended with ${exitCode}: ${stderr}`);
        return stdout.toString();
      },
      async move(name, to) {
        await zap.json('pod', 'move', name, to);
      },
      async refusal(name, to) {
        const { code, message, hint } = await zap.failure('pod', 'move', name, to);
        return `${code} ${message} ${hint ?? ''}`;
      },
      async deletePod(name) {
        await zap.json('pod', 'delete', name, '--yes');
      },
      down,
    };
  } catch (error) {
    await down().catch(() => {}); // the first failure is the one to tell
    throw error;
  }
}
