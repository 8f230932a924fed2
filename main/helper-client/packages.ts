/** Installing what a host lacks, by its own package manager. */
import { ZapError } from '../../helper/protocol/errors';
import { capture, lastLines, type Transport } from '../ssh/transport';
import type { Finding } from './pair';
import { startFailure } from './install';
import type { RootAccess } from './root-access';

type Manager = 'apt' | 'dnf' | 'pacman' | 'zypper';

/** In the order in which they are looked for. */
const managers: Record<Manager, { program: string; commands: (packages: string[]) => string[][] }> = {
  apt: {
    program: 'apt-get',
    commands: (packages) => [['apt-get', 'update'], ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', 'install', '-y', '--no-install-recommends', ...packages]],
  },
  dnf: { program: 'dnf', commands: (packages) => [['dnf', 'install', '-y', ...packages]] },
  pacman: { program: 'pacman', commands: (packages) => [['pacman', '-Sy', '--needed', '--noconfirm', ...packages]] },
  zypper: { program: 'zypper', commands: (packages) => [['zypper', '--non-interactive', 'install', ...packages]] },
};

export interface Remedy {
  packages: string[];
  /** To be run as root, one after the other. */
  commands: string[][];
}

/** What would install the programs that findings miss; undefined when they miss none. */
export async function remedyFor(transport: Transport, host: string, findings: readonly Finding[]): Promise<Remedy | undefined> {
  const missing = findings.filter(({ id }) => id === 'program-missing').flatMap(({ data }) => (data?.['packages'] ? [data['packages'] as Record<Manager, string>] : []));
  if (missing.length === 0) return undefined;
  const names = Object.values(managers).map(({ program }) => program);
  const { stdout } = await capture(transport, ['sh', '-c', 'PATH=$PATH:/usr/sbin:/sbin; for name; do command -v "$name"; done; :', 'zap', ...names]);
  const found = lastLines(stdout, 50).map((path) => path.split('/').at(-1)!);
  const manager = (Object.keys(managers) as Manager[]).find((name) => found.includes(managers[name].program));
  if (!manager) throw new ZapError('host/no-package-manager', `${host} has no package manager that Zap knows (${names.join(', ')}).`, { hint: 'Install what is missing by hand.', data: { host } });
  const packages = [...new Set(missing.map((name) => name[manager]))].sort();
  // What a host says ends up on a command line of its own, as one word each; nothing that looks like an option may.
  if (packages.some((name) => !/^[a-z0-9][a-z0-9+.-]*$/i.test(name))) throw new ZapError('internal/protocol', `The helper on ${host} names a package that cannot be one.`, { data: { host, packages } });
  return { packages, commands: managers[manager].commands(packages) };
}

export async function applyRemedy(transport: Transport, host: string, root: RootAccess, { commands }: Remedy): Promise<void> {
  for (const command of commands) {
    const { status, stdout, stderr } = await root.capture(transport, command);
    if (status === 0) continue;
    const refused = startFailure(host, null, /^sudo: /m.test(stderr) ? stderr : '');
    throw refused ?? new ZapError('host/fix-failed', `"${command.join(' ')}" failed on ${host}${status === null ? '' : ` (exit status ${status})`}: ${lastLines(stderr || stdout).at(-1) ?? ''}`, { evidence: lastLines(stderr || stdout, 20), data: { host, command } });
  }
}
