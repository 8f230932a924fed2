/**
 * The root file system of a POD: its environment, seen through an id-mapped mount, under its own writable layer.
 *
 * The environment's files belong to the ids 0..65535 on disk and appear shifted to the POD's base; the layer's carry the shifted ids themselves (an
 * id-mapped upper directory makes the overlay read-only). docs/CRIU.md has the reasons for the options.
 */
import { closeSync, mkdirSync } from 'node:fs';
import { ZapError } from '../protocol/errors';
import { attachMount, cloneMount, detachMount, isMountPoint, newFilesystem, shiftMountIds } from '../system/mounts';
import { openRoot } from '../system/paths';

export interface PodRootMounts {
  /** Where the environment appears with shifted ids. */
  envMount: string;
  /** The POD's root: a mount of its own, as CRIU's --root must be. */
  mountpoint: string;
}

export interface PodRoot extends PodRootMounts {
  environmentTree: string;
  /** On one file system, both owned by `uidBase`. */
  layer: { upper: string; work: string };
  uidBase: number;
}

/** The part that needs no layer and takes the time: may be done ahead, while the layer still changes. */
export async function mountPodEnvironment(root: Pick<PodRoot, 'environmentTree' | 'envMount' | 'uidBase'>): Promise<void> {
  if (isMountPoint(root.envMount)) return;
  mkdirSync(root.envMount, { recursive: true, mode: 0o755 });
  const mount = cloneMount(root.environmentTree);
  try {
    await shiftMountIds(mount, root.uidBase);
    attachMount(mount, root.envMount);
  } finally {
    closeSync(mount);
  }
}

/** From here on nobody else may write in the layer: what the kernel then shows of an overlay is undefined. */
export async function mountPodRoot(root: PodRoot): Promise<void> {
  if (isMounted(root)) throw new ZapError('pod/root-mounted', `Something is mounted at ${root.mountpoint} already.`, { data: { ...root } });
  try {
    await mountPodEnvironment(root);
    mkdirSync(root.mountpoint, { recursive: true, mode: 0o755 });
    mountOverlay(root);
    // CRIU wants --root to be a mount point with a mount point as its parent.
    withMount(cloneMount(root.mountpoint), (mount) => attachMount(mount, root.mountpoint));
  } catch (error) {
    unmountPodRoot(root);
    if (error instanceof ZapError) throw error;
    throw new ZapError('pod/root-not-mounted', `The files of the POD cannot be mounted: ${(error as Error).message}.`, {
      hint: 'The environments and layers of PODs must lie on ext4, xfs or btrfs, and not on an overlay.',
      data: { environmentTree: root.environmentTree, upper: root.layer.upper },
      cause: error,
    });
  }
}

/** Takes all of it away, whatever is there; running programs keep what they have open. */
export function unmountPodRoot({ envMount, mountpoint }: PodRootMounts): void {
  for (const path of [mountpoint, envMount]) while (detachMount(path));
}

export function isMounted({ mountpoint }: Pick<PodRootMounts, 'mountpoint'>): boolean {
  return isMountPoint(mountpoint);
}

/** Everything that a kernel's configuration could preset is said, so that a layer means the same on every host. */
const overlayOptions = { xino: 'on', index: 'off', metacopy: 'off', redirect_dir: 'off' };

function mountOverlay({ envMount, layer, mountpoint }: PodRoot): void {
  const directories = [envMount, layer.upper, layer.work].map(openRoot);
  try {
    // By descriptor: in a path, a colon would mean a second directory.
    const [lowerdir, upperdir, workdir] = directories.map((fd) => `/proc/self/fd/${fd}`) as [string, string, string];
    withMount(newFilesystem('overlay', { ...overlayOptions, lowerdir, upperdir, workdir }), (mount) => attachMount(mount, mountpoint));
  } finally {
    directories.forEach((fd) => closeSync(fd));
  }
}

function withMount(mount: number, use: (mount: number) => void): void {
  try {
    use(mount);
  } finally {
    closeSync(mount);
  }
}
