/**
 * A container with a POD's own OCI configuration, which runc starts: namespaces, shifted ids, filter of system calls, files and link are the same, so that what
 * differs between a peer and a POD is the way to the other host.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ociConfiguration } from '../../../helper/pod/sandbox';
import type { PodRecord } from '../../../helper/pod/record';
import type { Lab } from '../../lab';
import type { Host } from '../bench-lab';
import { mountFiles, peersRoot, runDirectory, uidBase, unmountFiles, writeStartFiles } from './files';
import type { ContainerRequest } from './peer';

export interface Bundle {
  name: string;
  /** runc 1.1 cannot restore one ("Can't restore sub-task in NS"). */
  hasTimeNamespace: boolean;
  address: string;
  request: ContainerRequest;
}

export const bundleDirectory = (name: string): string => `${runDirectory}/${name}/bundle`;
export const rootDirectory = (name: string): string => `${runDirectory}/${name}/root`;
export const plugPath = (name: string): string => `${bundleDirectory(name)}/plug`;

/** runc calls it when the network namespace is there, before anything runs in it, on create as on restore, and says the pid in its state. */
const plugScript = (link: string, mac: string, address: string): string => `#!/bin/sh
exec 2>>${runDirectory}/plug.log
if [ -n "$CRTOOLS_SCRIPT_ACTION" ]; then
  [ "$CRTOOLS_SCRIPT_ACTION" = setup-namespaces ] || exit 0
  exec </dev/null # CRIU closes it, and nsenter takes its first descriptor for none when that is 0
  pid=$CRTOOLS_INIT_PID
else
  pid=$(sed -n 's/.*"pid": *\\([0-9]*\\).*/\\1/p')
fi
ip -batch - <<N
link add ${link} type veth peer name eth0 netns $pid
link set ${link} master br0 up
N
# The new place is announced, as podman's network does: without it nothing arrives until the programs themselves send something.
exec nsenter -t $pid -n sh -c 'echo 1 >/proc/sys/net/ipv4/conf/eth0/arp_notify; exec ip -batch -' <<N
link set lo up
link set eth0 address ${mac}
addr add ${address}/24 dev eth0
link set eth0 up
N
`;

/** Mounts and configuration of the container on a host; its layer is empty but for the start script. */
export async function placeBundle(lab: Lab, host: Host, bundle: Bundle): Promise<void> {
  const { name, address, request } = bundle;
  await mountFiles(lab, host, name, request.digest);
  const directory = join(lab.rootOf(host), bundleDirectory(name));
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'config.json'), JSON.stringify(configuration(bundle)));
  const number = request.number.toString(16).padStart(2, '0');
  await writeFile(join(lab.rootOf(host), plugPath(name)), plugScript(`peer${number}`, `02:00:5e:00:00:${number}`, address), { mode: 0o755 });
}

export async function writeLayer(lab: Lab, host: Host, { name, request }: Bundle): Promise<void> {
  const up = join(lab.rootOf(host), peersRoot, name, 'up');
  await writeStartFiles(up, request);
  await lab.exec(host, ['chown', '-R', `${uidBase}:${uidBase}`, `${peersRoot}/${name}/up`]);
  await lab.exec(host, ['chmod', '755', `${peersRoot}/${name}/up`]);
}

export async function removeBundle(lab: Lab, host: Host, name: string): Promise<void> {
  await unmountFiles(lab, host, name);
}

function configuration({ name, request, hasTimeNamespace }: Bundle): object {
  const record = { id: name, name, uidBase } as PodRecord; // what the configuration of a sandbox is made of
  const oci = ociConfiguration(record) as { process: { args: string[] }; root: object; mounts: { destination: string; source: string }[] };
  const mounts = oci.mounts.map((mount) => (mount.destination === '/dev/shm' ? { ...mount, source: `${runDirectory}/${name}/shm` } : mount));
  const hook = { path: plugPath(name) };
  const { args } = oci.process;
  const process = hasTimeNamespace ? oci.process : { ...oci.process, args: args.slice(args.indexOf('/usr/bin/tini')) };
  return { ...oci, process, hostname: request.environment, root: { path: rootDirectory(name), readonly: false }, mounts, hooks: { prestart: [hook] } };
}
