/**
 * Files of a container that a peer keeps: the environment of the POD that is measured in the same run, the layer above it with the start script that PODs have.
 *
 * Scripts that run on a host get what differs as arguments, so nothing is parsed twice.
 */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { commandFile, commandPath, startPath, startScript, tmuxConfiguration, tmuxConfigurationPath } from '../../../helper/pod/start-script';
import type { Lab } from '../../lab';

export const peersRoot = '/var/lib/zap/peers';
export const runDirectory = '/run/peers';
export const uidBase = 6_000_000;

/** Arguments: tree of the environment, container's name, first of its ids. The environment is seen through an id-mapped mount, as a POD's is. */
const mountScript = `
set -eu
tree=$1 base=${runDirectory}/$2 layer=${peersRoot}/$2 ids=$3
mkdir -p "$base/env" "$base/root" "$base/shm" "$layer/up" "$layer/work"
chmod 711 ${runDirectory} "$base"
mount --bind -o "X-mount.idmap=0:$ids:65536" "$tree" "$base/env"
chown "$ids:$ids" "$layer/up" "$layer/work"
mount -t overlay overlay -o "xino=on,index=off,metacopy=off,redirect_dir=off,lowerdir=$base/env,upperdir=$layer/up,workdir=$layer/work" "$base/root"
mount --bind "$base/root" "$base/root"
mount --make-private "$base/root"
mount -t tmpfs -o "mode=1777,uid=$ids,gid=$ids" tmpfs "$base/shm"
`;

const unmountScript = `
base=${runDirectory}/$1
umount -l "$base/shm" "$base/root" "$base/root" "$base/env" 2>/dev/null
rm -rf "$base" "${peersRoot}/$1"
true
`;

export const treeOf = (digest: string): string => `/var/lib/zap/environments/${digest.replace('sha256:', '')}/tree`;

export async function mountFiles(lab: Lab, host: string, name: string, digest: string): Promise<void> {
  await lab.exec(host, ['sh', '-c', mountScript, 'mount', treeOf(digest), name, String(uidBase)]);
}

export async function unmountFiles(lab: Lab, host: string, name: string): Promise<void> {
  await lab.exec(host, ['sh', '-c', unmountScript, 'unmount', name]);
}

export interface StartFiles {
  user: string;
  command?: readonly string[] | undefined;
}

/** The start script that PODs have, below `directory` of this machine. */
export async function writeStartFiles(directory: string, { user, command }: StartFiles): Promise<string[]> {
  const files: [path: string, content: string, mode: number][] = [
    [startPath, startScript(user, '1280x800'), 0o755],
    [tmuxConfigurationPath, tmuxConfiguration, 0o644],
    ['etc/hosts', '127.0.0.1 localhost\n', 0o644],
    ...(command ? [[commandPath, commandFile(command), 0o644] as [string, string, number]] : []),
  ];
  for (const [path, content, mode] of files) {
    await mkdir(dirname(join(directory, path)), { recursive: true, mode: 0o755 });
    await writeFile(join(directory, path), content);
    await chmod(join(directory, path), mode);
  }
  return files.map(([path]) => path);
}

/** What of a container travels beside its images. */
export const filesOf = (name: string): string[] => [`${peersRoot}/${name}/up`, `${runDirectory}/${name}/shm`];
