/** The product as the suite sees it: two hosts, PODs, moves; all through the `zap` command. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readDescription } from './recipe';

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
  deletePod(name: string): Promise<void>;
  down(): Promise<void>;
}

/** A command that ended with an error; `output` is what it printed with --json. */
export class CommandFailure extends Error {
  constructor(
    readonly command: string,
    readonly output: string,
    readonly exitCode: number,
  ) {
    super(`${command} (exit code ${exitCode}): ${output}`);
  }
}

const program = join(import.meta.dirname, '../../../dist/zap.mjs');

/** Starts a lab of its own. The environment `probe` is built on this computer, from which the hosts get it: they have no way to a package mirror. */
export async function startDriver(recipeDirectory: string): Promise<Driver> {
  if (!existsSync(program)) throw new Error('dist/zap.mjs is missing: run `npm run build` first.');
  const zapHome = await mkdtemp(join(tmpdir(), 'zap-virtualisation-'));
  const zap = (args: string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      const child = execFile(process.execPath, [program, ...args], { env: { ...process.env, ZAP_HOME: zapHome }, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
        if (!error) resolve(stdout);
        else reject(new CommandFailure(`zap ${args.slice(0, 4).join(' ')}`, `${stdout}${stderr}`, Number(error.code ?? -1)));
      });
      child.stdin?.end();
    });
  const down = async (): Promise<void> => {
    await zap(['lab', 'down', '--json']);
    await rm(zapHome, { recursive: true, force: true });
  };
  try {
    const { hosts } = JSON.parse(await zap(['lab', 'up', '--hosts', '2', '--json'])) as { hosts: { address: string }[] };
    const subnet = hosts[0]!.address.replace(/\.\d+$/, '');
    await ensureEnvironment(zap, recipeDirectory);
    return {
      outsideAddress: `${subnet}.254`,
      async createPod(name, { host, number, command }) {
        await zap(['pod', 'create', name, '--host', host, '--env', 'probe', '--network', `lan:${subnet}.${number}/24`, '--json', '--', ...command]);
      },
      exec: (name, command) => zap(['pod', 'exec', name, '--', ...command]),
      async move(name, to) {
        await zap(['pod', 'move', name, to, '--json']);
      },
      async deletePod(name) {
        await zap(['pod', 'delete', name, '--yes', '--json']);
      },
      down,
    };
  } catch (error) {
    await down().catch(() => {}); // the first failure is the one to tell
    throw error;
  }
}

/** Kept on this computer from run to run: it takes long to build, and changes with the recipe alone. */
async function ensureEnvironment(zap: (args: string[]) => Promise<string>, recipeDirectory: string): Promise<void> {
  const { description } = await readDescription(recipeDirectory);
  const { environments } = JSON.parse(await zap(['env', 'list', '--host', 'local', '--json'])) as { environments: { digest: string; names: string[]; description: string }[] };
  const present = environments.find(({ names }) => names.includes('probe'));
  if (present?.description === description) return;
  await zap(['env', 'build', 'probe', '--recipe', recipeDirectory, '--host', 'local', '--json']);
  if (present) await zap(['env', 'remove', present.digest, '--host', 'local', '--json']);
}
