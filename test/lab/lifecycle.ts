/**
 * Lab up, lab down, lab status.
 */
import { mkdir, readFile, readdir, rm, rmdir, statfs } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ZapError } from '../../helper/protocol/errors';
import { run } from '../../helper/system/spawn';
import { passBridgeFilter, restoreBridgeFilter } from './bridge-filter';
import { processesInGroups, removeGroups } from './cgroups';
import { hostNames, labHost, labPlace, readConfig, stateRoot, type LabConfig, type LabHost, type LabPlace } from './config';
import { isUp, startHost, stopHost } from './host';
import { listHosts } from './inventory';
import { replaceFile } from './json-file';
import { Lab } from './lab';
import { findLeftovers, mountsBelow } from './leftovers';
import { withLock } from './lock';
import { deleteLinks, freeSubnet, hasBridge, labLinks, makeBridge } from './network';
import { ensureSystemPackages, requireRoot } from './packages';
import { killAll, livePid } from './processes';
import { ensureTree } from './tree';

const overlayMagic = 0x794c7630;

export interface LabUpOptions {
  zapHome: string;
  /** At least so many hosts; a lab that has more keeps them. */
  hosts: number;
  onLine?: (line: string) => void;
}

export interface LabStatus {
  labId: string;
  isUp: boolean;
  subnet: string | undefined;
  bridge: string;
  stateDirectory: string;
  hosts: { name: string; address: string; pid: number | undefined; isUp: boolean }[];
}

/** Brings the lab to the wanted state from any other: not there, half made, some hosts dead, already up. */
export async function labUp({ zapHome, hosts: wanted, onLine = () => {} }: LabUpOptions): Promise<Lab> {
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > hostNames.length) {
    throw new ZapError('lab/host-count', `A lab has 1 to ${hostNames.length} hosts.`, { data: { hosts: wanted } });
  }
  await ensureSystemPackages(onLine);
  const tree = await ensureTree(onLine);
  const place = await labPlace(zapHome);
  return await withLock(place.lockFile, async () => {
    const former = await readConfig(place);
    await prepareState(place);
    const subnet = await ensureBridge(place, former?.subnet);
    const hosts = hostNames.slice(0, Math.max(wanted, former?.hosts.length ?? 0));
    const config: LabConfig = { version: 1, labId: place.labId, subnet, hosts: [...hosts] };
    await replaceFile(place.configFile, `${JSON.stringify(config, null, 2)}\n`);

    const lab = new Lab(place, config, tree);
    const started = await Promise.all(
      lab.hosts.map(async (host) => {
        const wasStarted = await startHost(place, config, host, tree);
        await lab.nameHosts(host.name);
        onLine(`${host.name}  ${host.address}  ${wasStarted ? 'started' : 'is up'}`);
        return wasStarted;
      }),
    );
    if (started.includes(true)) await passBridgeFilter(lab, onLine);
    await listHosts(place, await Promise.all(lab.hosts.map(async (host) => ({ ...host, hostKey: await hostKeyOf(host) }))));
    return lab;
  });
}

/** The lab as it is, for faults and commands; it must have been made by labUp before. */
export async function openLab({ zapHome }: { zapHome: string }): Promise<Lab> {
  requireRoot();
  const place = await labPlace(zapHome);
  const config = await readConfig(place);
  if (!config) throw new ZapError('lab/not-up', `There is no lab in ${place.zapHome}.`, { hint: 'zap lab up' });
  return new Lab(place, config, await ensureTree(() => {}));
}

/** Removes everything of the lab, from whatever state; returns what could not be removed. */
export async function labDown({ zapHome }: { zapHome: string }): Promise<string[]> {
  requireRoot();
  const place = await labPlace(zapHome);
  return await withLock(place.lockFile, async () => {
    const subnet = (await readConfig(place).catch(() => undefined))?.subnet ?? '';
    const names = await readdir(place.stateDirectory).catch(() => []);
    await Promise.all(names.map((name) => stopHost(place, labHost(place, subnet, name)).catch(() => {}))); // what fails here is among the leftovers below
    await killAll(() => processesInGroups(place.labId));
    await deleteLinks(await labLinks(place));
    await removeGroups(place.labId);
    for (const point of await mountsBelow(place.stateDirectory)) await run('umount', ['-l', point]);
    await rm(place.stateDirectory, { recursive: true, force: true });
    await restoreBridgeFilter();
    await rmdir(stateRoot).catch(() => {}); // other labs may live there
    await listHosts(place, []);
    await rm(dirname(place.identityFile), { recursive: true, force: true });
    await rm(place.configFile, { force: true });
    return await findLeftovers(place);
  });
}

export async function labStatus({ zapHome }: { zapHome: string }): Promise<LabStatus> {
  const place = await labPlace(zapHome);
  const config = await readConfig(place);
  const hosts = (config?.hosts ?? []).map((name) => {
    const host = labHost(place, config!.subnet, name);
    return { name, address: host.address, pid: livePid(host.directory), isUp: isUp(host) };
  });
  return { labId: place.labId, isUp: hosts.some((host) => host.isUp), subnet: config?.subnet, bridge: place.bridge, stateDirectory: place.stateDirectory, hosts };
}

async function prepareState(place: LabPlace): Promise<void> {
  await mkdir(place.stateDirectory, { recursive: true, mode: 0o711 });
  const isMounted = (await mountsBelow(place.stateDirectory)).includes(place.stateDirectory);
  // An overlay cannot hold another one's upper layer.
  if (!isMounted && (await statfs(place.stateDirectory)).type === overlayMagic) {
    await run('mount', ['-t', 'tmpfs', '-o', 'mode=711', 'zap-lab', place.stateDirectory]);
  }
  await mkdir(dirname(place.identityFile), { recursive: true, mode: 0o700 });
  if (!existsSync(`${place.identityFile}.pub`)) {
    await rm(place.identityFile, { force: true });
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', `zap lab ${place.labId}`, '-f', place.identityFile]);
  }
}

async function ensureBridge(place: LabPlace, former: string | undefined): Promise<string> {
  if (former && (await hasBridge(place, former))) return former;
  return await withLock('/run/zap-lab/subnets.lock', async () => {
    await deleteLinks(await labLinks(place));
    const subnet = await freeSubnet(place, former);
    await makeBridge(place, subnet);
    return subnet;
  });
}

async function hostKeyOf(host: LabHost): Promise<string> {
  const publicKey = await readFile(join(host.directory, 'ssh_host_ed25519_key.pub'), 'utf8');
  return publicKey.split(' ').slice(0, 2).join(' ');
}
