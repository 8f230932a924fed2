/**
 * What this host lacks for PODs: found by trying, told as findings.
 *
 * Trying costs some spawns, so a result that leaves nothing to mend is kept until the next boot or helper; any other only for some seconds.
 */
import { readFileSync } from 'node:fs';
import type { Finding } from '../protocol/model';
import { version } from '../protocol/version';
import { readFileIfThere, writeFileAtomic } from '../system/atomic-file';
import { bootId } from '../system/process';
import { isInstalled } from '../system/programs';
import { kernelProbes } from './doctor-kernel';

const cacheFile = '/run/zap/doctor.json';
const troubleFreshMs = 10_000;

export interface Tool {
  program: string;
  severity: Finding['severity'];
  /** What does not work without it. */
  purpose: string;
  /** By package manager; also what `zap host doctor --fix` installs. */
  packages: { apt: string; dnf: string; pacman: string; zypper: string };
}

const everywhere = (name: string): Tool['packages'] => ({ apt: name, dnf: name, pacman: name, zypper: name });

export const tools: readonly Tool[] = [
  { program: 'runc', severity: 'blocker', purpose: 'PODs cannot be made', packages: everywhere('runc') },
  { program: 'ip', severity: 'blocker', purpose: 'PODs have no network', packages: { apt: 'iproute2', dnf: 'iproute', pacman: 'iproute2', zypper: 'iproute2' } },
  { program: 'nsenter', severity: 'blocker', purpose: 'commands cannot be run in PODs', packages: everywhere('util-linux') },
  { program: 'unshare', severity: 'blocker', purpose: 'PODs cannot be made', packages: everywhere('util-linux') },
  { program: 'setsid', severity: 'blocker', purpose: 'terminals of PODs cannot be shown', packages: everywhere('util-linux') },
  { program: 'mount', severity: 'blocker', purpose: 'CRIU cannot be tested', packages: { ...everywhere('util-linux'), apt: 'mount' } },
  { program: 'tar', severity: 'blocker', purpose: 'CRIU cannot carry a POD\'s tmpfs', packages: everywhere('tar') },
  { program: 'nft', severity: 'warning', purpose: 'only PODs with --network none can run', packages: everywhere('nftables') },
  { program: 'arping', severity: 'note', purpose: 'an address that somebody else has is not noticed', packages: { apt: 'iputils-arping', dnf: 'iputils', pacman: 'iputils', zypper: 'iputils' } },
];

/** The kernel, the rights that we have, and the programs that we call. */
export async function examine(): Promise<Finding[]> {
  return [...missingRights(readFileSync('/proc/self/status', 'utf8')), ...(await kernelFindings()), ...missingTools(isInstalled)];
}

async function kernelFindings(): Promise<Finding[]> {
  const circumstances = `${bootId()} ${version}`;
  const known = recall(circumstances);
  if (known) return known;
  const findings: Finding[] = [];
  for (const { id, severity, message, hint, isThere } of kernelProbes) {
    const why = await isThere().then(
      (is) => (is ? undefined : ''),
      (error: Error) => error.message,
    );
    if (why !== undefined) findings.push({ id: `kernel/${id}`, severity, message, ...(hint === undefined ? {} : { hint }), ...(why === '' ? {} : { data: { why } }) });
  }
  writeFileAtomic(cacheFile, JSON.stringify({ circumstances, atMs: Date.now(), findings }));
  return findings;
}

function recall(circumstances: string): Finding[] | undefined {
  const text = readFileIfThere(cacheFile);
  if (text === undefined) return undefined;
  const known = JSON.parse(text) as { circumstances: string; atMs: number; findings: Finding[] };
  const isFresh = Math.abs(Date.now() - known.atMs) < troubleFreshMs || known.findings.every(({ severity }) => severity === 'note');
  return known.circumstances === circumstances && isFresh ? known.findings : undefined;
}

export function missingTools(isThere: (program: string) => boolean): Finding[] {
  return tools.filter(({ program }) => !isThere(program)).map(({ program, severity, purpose, packages }) => ({
    id: 'program-missing',
    severity,
    message: `The program "${program}" is not installed: ${purpose}.`,
    hint: `Install the package ${packages.apt}${new Set(Object.values(packages)).size > 1 ? ` (or ${[...new Set(Object.values(packages))].slice(1).join(', ')})` : ''}: \`zap host doctor --fix\` does it.`,
    data: { program, packages },
  }));
}

/** Bits of Linux's capabilities, for what a helper does with them. */
const capabilities: readonly [name: string, bit: number, severity: Finding['severity'], purpose: string][] = [
  ['CAP_SYS_ADMIN', 21, 'blocker', 'it makes namespaces and mounts'],
  ['CAP_NET_ADMIN', 12, 'blocker', 'it makes network links'],
  ['CAP_SYS_PTRACE', 19, 'blocker', 'CRIU looks into processes with it'],
  ['CAP_SETUID', 7, 'blocker', 'the ids of PODs are set with it'],
  ['CAP_CHOWN', 0, 'blocker', 'the files of PODs are given to their users with it'],
  ['CAP_DAC_OVERRIDE', 1, 'blocker', 'it reads the files of PODs'],
  ['CAP_KILL', 5, 'blocker', 'PODs are ended with it'],
  ['CAP_SYS_RESOURCE', 24, 'note', 'CRIU restores raised resource limits with it; PODs have namespaces of their own, which mostly spares it'],
];

export function missingRights(status: string, readSwitch: (path: string) => string | undefined = readFileIfThere): Finding[] {
  const field = (name: string): string => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1] ?? '0';
  const effective = BigInt(`0x${field('CapEff')}`);
  const findings: Finding[] = capabilities
    .filter(([, bit]) => ((effective >> BigInt(bit)) & 1n) === 0n)
    .map(([name, , severity, purpose]) => ({
      id: 'rights/capability',
      severity,
      message: `Root on this host lacks ${name}: ${purpose}.`,
      ...(severity === 'blocker' ? { hint: 'The host is a container with reduced rights: give it this capability.' } : {}),
      data: { capability: name },
    }));
  if (field('Seccomp') === '2') {
    findings.push({ id: 'rights/seccomp', severity: 'warning', message: 'A seccomp filter holds for root on this host: calls that CRIU needs may be refused.', hint: 'The self-test shows whether they are. If so, run this container without a seccomp profile.' });
  }
  if (readSwitch('/proc/sys/kernel/apparmor_restrict_unprivileged_userns')?.trim() === '1') {
    findings.push({ id: 'rights/apparmor-userns', severity: 'warning', message: 'AppArmor restricts user namespaces on this host: programs in PODs that make their own (browsers, sandboxes) may fail.', hint: 'sysctl kernel.apparmor_restrict_unprivileged_userns=0' });
  }
  return findings;
}
