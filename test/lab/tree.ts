/**
 * The root file system that every host of a lab starts from.
 *
 * Debian without a CRIU, since the helper brings one, built once per recipe and kept in the cache. It is built beside its final place and renamed when
 * complete, so a tree that exists is a whole one.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ZapError } from '../../helper/protocol/errors';
import { run } from '../../helper/system/spawn';
import { withLock } from './lock';

const packages: readonly string[] = [
  'runc', 'openssh-server', 'sudo', 'iproute2', 'procps', 'nftables', 'util-linux', 'iputils-arping', 'iputils-ping', 'curl', 'ca-certificates', 'tini',
  'faketime', 'rsync',
];

/** Runs in a mount namespace of its own, so whatever debootstrap or a package mounts is gone when it ends, however it ends. */
const script = String.raw`
set -eu
target=$1 mirror=$2; shift 2
echo "stage: unpacking the base system"
debootstrap --variant=minbase --include=ca-certificates trixie "$target" "$mirror"
printf '#!/bin/sh\nexit 101\n' >"$target/usr/sbin/policy-rc.d"; chmod 755 "$target/usr/sbin/policy-rc.d"
echo force-unsafe-io >"$target/etc/dpkg/dpkg.cfg.d/unsafe-io"
mount -t proc proc "$target/proc"
in_tree() { DEBIAN_FRONTEND=noninteractive LC_ALL=C chroot "$target" "$@"; }
echo "stage: installing packages"
in_tree apt-get -q update
in_tree apt-get -qy install --no-install-recommends "$@"
echo "stage: finishing"
in_tree apt-get clean
rm -rf "$target"/var/lib/apt/lists/* "$target"/etc/ssh/ssh_host_* "$target/usr/sbin/policy-rc.d" "$target/etc/dpkg/dpkg.cfg.d/unsafe-io"
in_tree useradd -m -u 1000 -s /bin/bash zap
in_tree usermod -p '*' zap
echo 'zap ALL=(ALL:ALL) NOPASSWD: ALL' >"$target/etc/sudoers.d/zap"; chmod 440 "$target/etc/sudoers.d/zap"
in_tree sh -c 'ln -s "$(ls /usr/lib/*/faketime/libfaketime.so.1)" /usr/lib/libfaketime.so.1'
cat >"$target/etc/ssh/sshd_config.d/lab.conf" <<'X'
PasswordAuthentication no
HostKey /etc/ssh/ssh_host_ed25519_key
AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/lab_authorized_keys
UseDNS no
MaxStartups 200
MaxSessions 200
PerSourcePenalties no
X
: >"$target/etc/resolv.conf"
umount "$target/proc"
`;

export interface TreeRecipe {
  /** For bash; gets the directory to make, a Debian mirror and the packages. */
  script: string;
  packages: readonly string[];
}

/** Path of the tree of this recipe; built when it is not in the cache yet (about 90 s and 400 MB, once). */
export async function ensureTree(onLine: (line: string) => void, recipe: TreeRecipe = { script, packages }): Promise<string> {
  const digest = createHash('sha256').update(JSON.stringify([recipe.script, recipe.packages, process.arch])).digest('hex').slice(0, 16);
  const cache = join(process.env.ZAP_CACHE_DIR || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'zap'), 'lab');
  const tree = join(cache, digest);
  if (existsSync(tree)) return tree;
  await mkdir(cache, { recursive: true });
  await withLock(join(cache, 'build.lock'), async () => {
    if (existsSync(tree)) return; // another builder was quicker
    for (const name of await readdir(cache)) if (name.includes('.building-')) await rm(join(cache, name), { recursive: true, force: true });
    const building = `${tree}.building-${process.pid}`; // not a fixed name: a builder whose parent was killed may still write to its own
    await buildTree(building, recipe, onLine);
    await rename(building, tree);
  });
  return tree;
}

async function buildTree(target: string, recipe: TreeRecipe, onLine: (line: string) => void): Promise<void> {
  const startedAt = Date.now();
  const mirror = await debianMirror();
  onLine('Building the system of the lab hosts (once, one to two minutes)');
  try {
    await run('unshare', ['--mount', '--propagation', 'private', 'bash', '-c', recipe.script, 'build-tree', target, mirror, ...recipe.packages], {
      code: 'lab/tree-failed',
      env: proxySettings(),
      onLine: (line) => {
        if (line.startsWith('stage: ')) onLine(`  ${line.slice('stage: '.length)}`);
      },
    });
  } catch (error) {
    await rm(target, { recursive: true, force: true });
    throw error;
  }
  onLine(`  done in ${Math.round((Date.now() - startedAt) / 1000)} s`);
}

/** The Debian mirror this machine's apt uses; ZAP_DEBIAN_MIRROR names another, as machines that are not Debian need. */
async function debianMirror(): Promise<string> {
  if (process.env.ZAP_DEBIAN_MIRROR) return process.env.ZAP_DEBIAN_MIRROR;
  const { stdout } = await run('apt-get', ['indextargets', '--format', '$(SITE)', 'Created-By: Packages']);
  const mirror = stdout.split('\n').find((site) => /\/debian\/?$/.test(site));
  if (mirror) return mirror;
  throw new ZapError('lab/no-debian-mirror', 'The sources of this machine’s apt name no Debian mirror to build the lab hosts from.', {
    hint: 'Set ZAP_DEBIAN_MIRROR to the URL of a Debian mirror.',
  });
}

function proxySettings(): NodeJS.ProcessEnv {
  const names = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
}
