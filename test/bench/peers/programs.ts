/** Brings what the peers need to the hosts of a lab: podman from their distribution, which has brought runc already, the CRIU that Zap's helper brings. */
import { copyFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { ensureManaged, readBundle } from '../../../helper/criu/managed';
import { run } from '../../../helper/system/spawn';
import type { Lab } from '../../lab';
import { progress } from '../progress';

const packages = ['podman', 'crun', 'netavark', 'aardvark-dns', 'libcriu2', 'nftables'];
const timeoutMs = 300_000;
const criuDirectory = '/usr/local/lib/peers-criu';
const preload = `${criuDirectory}/limits.so`;
const resourceCapability = 24n;
/** Where programs watch directories: an overlay's handles cannot be opened, so CRIU has to look for their paths. */
export const scanPaths = ['/home', '/run', '/tmp', '/etc', '/var', '/usr/share'];
const criuOptions = ['network-lock nftables', 'manage-cgroups ignore', 'link-remap', 'force-irmap', ...scanPaths.map((path) => `irmap-scan-path ${path}`), 'skip-in-flight', 'ghost-limit 268435456', ''];
/** Files of this machine that its apt needs, and a host of the lab does not have. */
const networkFiles = ['etc/resolv.conf'];

/** What the distribution's CRIU cannot do on current kernels (docs/CRIU.md) must not be held against its tools. */
export async function preparePeers(lab: Lab, hosts: readonly string[], { distDirectory, hasPodman }: { distDirectory: string; hasPodman: boolean }): Promise<void> {
  const bundle = readBundle(await readFile(join(distDirectory, 'criu.bundle')));
  for (const host of hosts) {
    if (hasPodman) {
      progress(`installing ${packages[0]} on ${host}`);
      await install(lab, host);
    }
    const root = lab.rootOf(host);
    const managed = await ensureManaged(bundle, join(root, '/var/lib/zap/peers-criu'));
    await rm(join(root, criuDirectory), { recursive: true, force: true });
    await cp(dirname(managed.binary), join(root, criuDirectory), { recursive: true });
    const needsLimits = await lacksResourceRight();
    if (needsLimits) await buildPreload(join(root, preload));
    const loader = `exec $h/loader/criu --inhibit-cache --library-path $h/lib${needsLimits ? ` --preload ${preload}` : ''} --argv0 criu $h/lib/criu --libdir $h "$@"`;
    await writeFile(join(root, 'usr/local/sbin/criu'), `#!/bin/sh\nh=${criuDirectory}\n${loader}\n`, { mode: 0o755 });
    await mkdir(join(root, 'etc/criu'), { recursive: true });
    // The lab's hosts have no iptables, and control groups of which CRIU sees only the lower end.
    await writeFile(join(root, 'etc/criu/default.conf'), `${criuOptions.slice(0, 2).join('\n')}\n`);
    await writeFile(join(root, 'etc/criu/runc.conf'), criuOptions.join('\n'));
  }
}

/** The host's files with this machine's network: a lab has no way out of its own. */
async function install(lab: Lab, host: string): Promise<void> {
  const root = lab.rootOf(host);
  for (const file of networkFiles) await copyFile(join('/', file), join(root, file));
  await writeFile(join(root, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const apt = (args: string[]): Promise<unknown> => run('nsenter', ['--target', String(lab.pidOf(host)), '--mount', '--root', '--wd', 'apt-get', ...args], { timeoutMs, env: { DEBIAN_FRONTEND: 'noninteractive', ...proxies() } });
  await apt(['-q', 'update']);
  await apt(['-qy', 'install', '--no-install-recommends', ...packages]);
}

function proxies(): NodeJS.ProcessEnv {
  const names = ['http_proxy', 'https_proxy', 'no_proxy'];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
}

async function lacksResourceRight(): Promise<boolean> {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(await readFile('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return ((BigInt(`0x${effective}`) >> resourceCapability) & 1n) === 0n;
}

async function buildPreload(target: string): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'zap-bench-preload-'));
  try {
    const library = join(directory, 'limits.so');
    await run('cc', ['-shared', '-fPIC', '-O1', '-o', library, resolve('test/bench/peers/limits.c')]);
    await copyFile(library, target);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
