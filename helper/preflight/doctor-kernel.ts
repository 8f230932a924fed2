/** What PODs ask of a kernel, each tried in a namespace that is gone when the trial ends. */
import { closeSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { canFill } from '../criu/userfault-right';
import type { Finding } from '../protocol/model';
import { livePages } from '../system/live-pages';
import { cloneMount, shiftMountIds } from '../system/mounts';
import { run } from '../system/spawn';
import { limitControllers } from '../system/cgroup';
import { stateRoot } from '../pod/paths';

export interface KernelProbe {
  id: string;
  severity: Finding['severity'];
  /** When it is not there. */
  message: string;
  hint?: string;
  /** False, or a rejection that says why. */
  isThere(): Promise<boolean>;
}

const timeoutMs = 10_000;

async function inNamespaces(namespaces: readonly string[], command: readonly string[], input?: string): Promise<boolean> {
  await run('unshare', [...namespaces.map((name) => `--${name}`), ...command], { timeoutMs, ...(input === undefined ? {} : { input }) });
  return true;
}

const inNetwork = (lines: string[]): Promise<boolean> => inNamespaces(['net'], ['ip', '-batch', '-'], `${lines.join('\n')}\n`);

/** On the file system that PODs' files lie on. */
async function inScratch<T>(use: (directory: string) => Promise<T>): Promise<T> {
  mkdirSync(stateRoot, { recursive: true, mode: 0o755 });
  const directory = mkdtempSync(join(stateRoot, '.doctor-'));
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

export const kernelProbes: readonly KernelProbe[] = [
  {
    id: 'user-namespaces', severity: 'blocker', message: 'This kernel makes no user namespaces, which keep root of a POD from being root of the host.',
    hint: 'sysctl user.max_user_namespaces=15000; in a container: allow nested user namespaces.',
    isThere: () => inNamespaces(['user', 'map-root-user'], ['true']),
  },
  { id: 'pid-namespaces', severity: 'blocker', message: 'This kernel makes no pid namespaces.', hint: 'In a container: allow nested namespaces.', isThere: () => inNamespaces(['pid', 'fork', 'mount', 'ipc', 'uts', 'net'], ['true']) },
  { id: 'time-namespaces', severity: 'blocker', message: 'This kernel makes no time namespaces: clocks of programs would jump when their POD moves.', hint: 'A kernel from 5.6 on, built with CONFIG_TIME_NS.', isThere: () => inNamespaces(['time', 'fork'], ['true']) },
  {
    id: 'idmapped-mounts', severity: 'blocker', message: 'The file system of /var/lib/zap cannot be mounted with shifted ids, as environments are.',
    hint: 'Use ext4, xfs or btrfs there, on a kernel from 5.12 on.',
    isThere: () =>
      inScratch(async (directory) => {
        const mount = cloneMount(directory);
        try {
          await shiftMountIds(mount, 2_000_000_000);
          return true;
        } finally {
          closeSync(mount);
        }
      }),
  },
  {
    id: 'overlay', severity: 'blocker', message: 'Overlays cannot be made on the file system of /var/lib/zap, as roots of PODs are.', hint: 'Is /var/lib/zap itself on an overlay, as in containers? Put a disk or a tmpfs there.',
    isThere: () =>
      inScratch(async (directory) => {
        const [lower, upper, work, merged] = ['lower', 'upper', 'work', 'merged'].map((name) => join(directory, name)) as [string, string, string, string];
        for (const path of [lower, upper, work, merged]) mkdirSync(path);
        return await inNamespaces(['mount'], ['mount', '-t', 'overlay', 'zap-doctor', '-o', `lowerdir=${lower},upperdir=${upper},workdir=${work}`, merged]);
      }),
  },
  { id: 'veth', severity: 'blocker', message: 'This kernel makes no veth links, which join PODs to bridges.', hint: 'modprobe veth', isThere: () => inNetwork(['link add zapv0 type veth peer name zapv1']) },
  { id: 'macvlan', severity: 'warning', message: 'This kernel makes no macvlan links: PODs with --network lan need a bridge on this host.', hint: 'modprobe macvlan', isThere: () => inNetwork(['link add zapv0 type veth peer name zapv1', 'link add zapm0 link zapv0 type macvlan mode bridge']) },
  { id: 'bridge', severity: 'warning', message: 'This kernel makes no bridges: PODs with --network nat cannot run.', hint: 'modprobe bridge', isThere: () => inNetwork(['link add zapb0 type bridge']) },
  { id: 'tun', severity: 'note', message: 'There is no /dev/net/tun on this host.', hint: 'modprobe tun', isThere: async () => existsSync('/dev/net/tun') },
  {
    id: 'nftables', severity: 'warning', message: 'This kernel takes no nftables rules for address translation: PODs with --network nat cannot run.', hint: 'modprobe nft_chain_nat nft_masq',
    isThere: () => takesRules('table ip zap_doctor { chain c { type nat hook postrouting priority 100; masquerade; }; }\n'),
  },
  {
    id: 'nftables-bridge', severity: 'warning', message: 'This kernel takes no nftables rules for bridges, which keep PODs to their own addresses: PODs run with --network none only.', hint: 'modprobe nf_tables',
    isThere: () => takesRules('table bridge zap_doctor { chain c { type filter hook prerouting priority 0; ether saddr 02:00:00:00:00:01 drop; }; }\n'),
  },
  {
    id: 'pagemap-scan', severity: 'note', message: 'This kernel does not list the pages that hold memory (PAGEMAP_SCAN, 6.7): memory cannot be sent ahead, so that PODs with much of it stand still for longer.',
    isThere: async () => !livePages(process.pid).next().done,
  },
  { id: 'userfaultfd', severity: 'note', message: 'Memory cannot be put in place while a POD runs already, so that PODs with much of it stand still for longer when they come here.', hint: 'A kernel with CONFIG_USERFAULTFD; in a container: a /proc/sys that can be written, or vm.unprivileged_userfaultfd=1.', isThere: async () => canFill() },
  { id: 'soft-dirty', severity: 'note', message: 'This kernel does not mark pages that were written (CONFIG_MEM_SOFT_DIRTY); what changes is found by comparison instead.', isThere: async () => hasSoftDirty() },
  { id: 'cgroup2', severity: 'blocker', message: 'There is no cgroup v2 hierarchy, which PODs are frozen and counted by.', hint: 'mount -t cgroup2 cgroup2 /sys/fs/cgroup', isThere: async () => / - cgroup2 /m.test(readFileSync('/proc/self/mountinfo', 'utf8')) },
  {
    id: 'cgroup-controllers', severity: 'warning', message: 'This host cannot limit the memory, the processors or the number of processes of a POD.', hint: 'Enable the controllers memory, cpu and pids of cgroup v2.',
    isThere: async () => {
      const missing = (['memory', 'cpu', 'pids'] as const).filter((name) => !limitControllers().includes(name));
      if (missing.length > 0) throw new Error(`no controller for ${missing.join(', ')}`);
      return true;
    },
  },
];

/** Where the kernel marks written pages, it says of each mapping that it does. */
function hasSoftDirty(): boolean {
  return /^VmFlags:.*\bsd\b/m.test(readFileSync('/proc/self/smaps', 'latin1'));
}

function takesRules(rules: string): Promise<boolean> {
  return inNamespaces(['net'], ['nft', '-f', '-'], rules).catch((error: Error) => {
    if (/failed to execute/.test(error.message)) return true; // a missing program is a finding of its own
    throw error;
  });
}
