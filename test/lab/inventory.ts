/**
 * The lab's hosts in the user's inventory.
 *
 * hosts.json and known_hosts also hold hosts that are not the lab's; those pass through untouched.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LabHost, LabPlace } from './config';
import { readJson, readText, replaceFile } from './json-file';

interface HostsFile {
  version: 1;
  hosts: Record<string, { lab?: boolean } & Record<string, unknown>>;
}

export interface ListedHost extends Pick<LabHost, 'name' | 'address'> {
  /** `ssh-ed25519 AAAA…` */
  hostKey: string;
}

/** Replaces the lab's entries by these; none removes them all. */
export async function listHosts(place: LabPlace, hosts: ListedHost[]): Promise<void> {
  const hostsFile = join(place.zapHome, 'hosts.json');
  const before = await readJson<HostsFile>(hostsFile);
  const kept = Object.entries(before?.hosts ?? {}).filter(([, host]) => host.lab !== true);
  const formerAddresses = Object.values(before?.hosts ?? {}).flatMap((host) => (host.lab === true ? [String(host.address)] : []));
  const listed = hosts.map(({ name, address }) => [name, { address, port: 22, user: 'zap', identityFile: place.identityFile, lab: true }] as const);

  const knownHostsFile = join(place.zapHome, 'known_hosts');
  const replaced = new Set([...formerAddresses, ...hosts.map((host) => host.address)]);
  const foreign = ((await readText(knownHostsFile)) ?? '').split('\n').filter((line) => line !== '' && !replaced.has(line.split(' ', 1)[0]!));
  const lines = [...foreign, ...hosts.map((host) => `${host.address} ${host.hostKey}`)];

  await replaceOrRemove(knownHostsFile, lines.length === 0 ? undefined : `${lines.join('\n')}\n`);
  const all = [...kept, ...listed];
  await replaceOrRemove(hostsFile, all.length === 0 ? undefined : `${JSON.stringify({ version: 1, hosts: Object.fromEntries(all) }, null, 2)}\n`);
}

async function replaceOrRemove(path: string, text: string | undefined): Promise<void> {
  if (text === undefined) await rm(path, { force: true });
  else await replaceFile(path, text);
}
