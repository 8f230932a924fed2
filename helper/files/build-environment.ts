/** From a recipe to the files of an environment: a base system made once, packages, the recipe's files, its script. */
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ZapError } from '../protocol/errors';
import type { Recipe } from '../protocol/model';
import { Lock } from '../system/lock';
import { commonUmask, withUmask } from '../system/umask';
import { buildIdBase, runApart, runInTree, type SandboxOptions } from './build-sandbox';
import { copyTree } from './copy-tree';
import { findDebianMirror, sourcesList, type DebianMirror } from './debian-mirror';
import { parsePath } from './entry';
import { selfDescriptionPath } from './environment-root';
import { IncompleteDirectory } from './incomplete';

export interface BuildOptions {
  signal?: AbortSignal;
  /** Told each line of the programs at work. */
  onLine: (line: string) => void;
}

/** Runs in the tree, as its root user; `$@` are the packages. */
const script = `
exec 3<&-
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 HOME=/root
printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d
rm -f /etc/resolv.conf /etc/hostname; cp /mnt/resolv.conf /etc/resolv.conf
cp /mnt/sources.list /etc/apt/sources.list
# Translations and changelogs are a fifth of a desktop; licences stay.
printf 'path-exclude=/usr/share/locale/*\npath-exclude=/usr/share/doc/*\npath-include=/usr/share/doc/*/copyright\n' >/etc/dpkg/dpkg.cfg.d/zap
apt='apt-get -qy -o Dpkg::Use-Pty=0 -o APT::Sandbox::User=root'
$apt update
$apt upgrade
$apt --no-install-recommends install "$@"
if [ -d /mnt/files ]; then tar -C /mnt/files -cf - . | tar -C / -xpf - --no-same-owner --no-overwrite-dir; fi
if [ -f /mnt/setup ]; then sh -e /mnt/setup; fi
mkdir -p /usr/lib/zap
cp /mnt/environment.json /${selfDescriptionPath}
rm -f /usr/sbin/policy-rc.d /etc/ssh/ssh_host_* /var/cache/apt/*.bin /var/cache/debconf/*-old /var/lib/dpkg/*-old
rm -rf /var/lib/apt/lists/* /tmp/* /tmp/.[!.]* /var/tmp/* ~/.cache
find /var/log -type f -exec truncate -s 0 {} +
rm -f /var/lib/dbus/machine-id
: >/etc/machine-id; : >/etc/resolv.conf
echo pod >/etc/hostname
printf '127.0.0.1 localhost\\n::1 localhost ip6-localhost\\n' >/etc/hosts
`;

/** Fills `tree`, an empty directory in `incomplete`. */
export async function buildTree(recipe: Recipe, incomplete: string, tree: string, cache: string, options: BuildOptions): Promise<void> {
  const mirror = await findDebianMirror();
  const sandbox: SandboxOptions = { ...options, env: mirror.proxy === undefined ? {} : { http_proxy: mirror.proxy } };
  const packages = join(cache, 'apt');
  withUmask(commonUmask, () => mkdirSync(join(packages, 'partial'), { recursive: true, mode: 0o755 }));
  for (const path of [packages, join(packages, 'partial')]) chownSync(path, buildIdBase, buildIdBase);
  // apt cannot share its cache between two that write.
  using _ = await takeLock(join(cache, 'lock'), options);
  const base = await baseSystem(recipe.suite, cache, mirror, sandbox);
  options.onLine('Copying the base system');
  await copyTree(base, tree, options.signal ? { signal: options.signal } : {});
  const input = writeInput(recipe, incomplete, sourcesList(mirror, recipe.suite, readFileSync(join(base, 'etc/apt/sources.list'), 'utf8')));
  await runInTree(incomplete, tree, packages, input, recipe.packages, sandbox);
}

/** Debian's smallest system of a suite, made at the first use and kept. */
async function baseSystem(suite: string, cache: string, mirror: DebianMirror, sandbox: SandboxOptions): Promise<string> {
  const base = join(cache, `base-${suite}`);
  if (existsSync(base)) return base;
  sandbox.onLine(`Making the base system of Debian ${suite}, once for all environments`);
  await using incomplete = new IncompleteDirectory(cache);
  const tree = incomplete.make('tree');
  await runApart(['debootstrap', '--variant=minbase', suite, tree, ...(mirror.main === undefined ? [] : [mirror.main])], sandbox).catch((error: unknown) => {
    throw error instanceof ZapError ? new ZapError(error.code, error.message, { hint: 'Building needs the packages debootstrap and debian-archive-keyring, and a Debian mirror.', evidence: error.evidence, cause: error }) : error;
  });
  // A POD has devices of its own.
  await runApart(['find', join(tree, 'dev'), '-mindepth', '1', '-delete'], sandbox);
  renameSync(tree, base);
  return base;
}

function writeInput(recipe: Recipe, incomplete: string, sources: string): string {
  const input = join(incomplete, 'input');
  const put = (path: string, content: string | Buffer, mode = 0o644): void => {
    withUmask(commonUmask, () => {
      mkdirSync(dirname(join(input, path)), { recursive: true, mode: 0o755 });
      writeFileSync(join(input, path), content, { mode });
    });
  };
  put('script', script);
  put('sources.list', sources);
  put('resolv.conf', existsSync('/etc/resolv.conf') ? readFileSync('/etc/resolv.conf') : '');
  const { name, description, hasDisplay, user } = recipe;
  put('environment.json', `${JSON.stringify({ name, description, hasDisplay, user })}\n`);
  if (recipe.setup !== undefined) put('setup', recipe.setup);
  for (const file of recipe.files) put(join('files', parsePath(file.path)), Buffer.from(file.contentBase64, 'base64'), file.mode & 0o777);
  return input;
}

async function takeLock(path: string, { onLine, signal }: BuildOptions): Promise<Lock> {
  for (let isFirst = true; ; isFirst = false) {
    signal?.throwIfAborted();
    const lock = Lock.try(path);
    if (lock) return lock;
    if (isFirst) onLine('Waiting for another build on this host');
    await sleep(200, undefined, signal ? { signal } : {});
  }
}
