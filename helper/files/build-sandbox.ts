/**
 * Runs the making of an environment apart from the host.
 *
 * Mount and process namespaces of its own, so that nothing stays mounted or running when it is killed; then the tree as its root and a user
 * namespace, so that package scripts and recipes are nobody on this host. Files get plain ids on disk all the same, through an id-mapped mount.
 */
import { closeSync, mkdirSync } from 'node:fs';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { ZapError } from '../protocol/errors';
import { attachMount, cloneMount, detachMount, shiftMountIds, userNamespace } from '../system/mounts';
import { childEnvironment, start } from '../system/spawn';
import { mountPathOf } from './incomplete';

/** Ids that nothing on disk ever has, and no POD is given: the range ends below 2^31, where ids stop being ordinary. */
export const buildIdBase = 2_147_352_576;

export interface SandboxOptions {
  env?: Record<string, string>;
  signal?: AbortSignal;
  onLine: (line: string) => void;
}

/**
 * Makes the tree the root. The tree's own umount has the set-user-ID bit, of a user who is nobody on this host: a copy has not.
 *
 * Arguments are the mounted tree, the package cache, the inputs of the build; the user namespace is descriptor 3.
 */
const enterTree = `
tree=$1; packages=$2; input=$3; shift 3
cd "$tree"
mount -t proc proc proc
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do : >dev/$device; mount --bind /dev/$device dev/$device; done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx; ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount --bind "$packages" var/cache/apt/archives
mount --bind "$input" mnt
mkdir dev/host
cp usr/bin/umount dev/umount
pivot_root . dev/host
cd /
dev/umount -l dev/host
rm -d dev/umount dev/host
nsenter --user=/proc/self/fd/3 --setuid 0 --setgid 0 /bin/sh -e /mnt/script "$@"
exit $?
`;

/** Runs `input/script` with the tree of an incomplete directory as its root. */
export async function runInTree(incomplete: string, tree: string, packages: string, input: string, args: string[], options: SandboxOptions): Promise<void> {
  const mountpoint = mountPathOf(incomplete);
  mkdirSync(mountpoint, { recursive: true });
  const mount = cloneMount(tree);
  try {
    await shiftMountIds(mount, buildIdBase);
    attachMount(mount, mountpoint);
  } finally {
    closeSync(mount);
  }
  try {
    await using namespace = await userNamespace(buildIdBase);
    await runApart(['/bin/sh', '-ec', enterTree, 'sh', mountpoint, packages, input, ...args], { ...options, fd3: namespace.fd });
  } finally {
    detachMount(mountpoint);
  }
}

/** Runs a program in mount and process namespaces of its own, which end with it, with the signal, and with this process. */
export async function runApart(command: string[], options: SandboxOptions & { fd3?: number }): Promise<void> {
  options.signal?.throwIfAborted();
  const apart = ['--pdeathsig', 'KILL', 'unshare', '--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child', '--mount-proc', ...command];
  const child = start('setpriv', apart, { stdio: ['ignore', 'pipe', 'pipe', options.fd3 ?? 'ignore'], env: { ...childEnvironment, ...options.env } });
  const kill = (): void => void child.kill('SIGKILL'); // unshare waits out the milder signals
  options.signal?.addEventListener('abort', kill, { once: true });
  const lastLines: string[] = [];
  for (const stream of [child.stdout!, child.stderr!]) {
    createInterface({ input: stream }).on('line', (line) => {
      options.onLine(line);
      if (lastLines.push(line) > 30) lastLines.shift();
    });
  }
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    options.signal?.throwIfAborted();
    if (code !== 0) throw new ZapError('environment/build-failed', `The environment could not be built: ${lastLines.at(-1) ?? `exit ${code}`}`, { evidence: lastLines });
  } finally {
    options.signal?.removeEventListener('abort', kill);
  }
}
