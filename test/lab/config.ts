/**
 * Who a lab is: its id, names, addresses and places.
 *
 * Everything a clean-up needs follows from the lab's home directory alone, so a lab that was half made can be removed without its records.
 */
import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { ZapError } from '../../helper/protocol/errors';
import { makeZapHome } from '../../main/hosts/zap-home';
import { readJson } from './json-file';

/** Nine, because a host's number is the last byte of its address and .10 to .250 belong to PODs. */
export const hostNames = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta', 'eta', 'theta', 'iota'] as const;

export const stateRoot = '/var/lib/zap-lab';

export interface LabPlace {
  labId: string;
  /** Where the user's inventory lives; its real path makes the lab's id. */
  zapHome: string;
  /** Disks, keys and records of the hosts. */
  stateDirectory: string;
  lockFile: string;
  configFile: string;
  identityFile: string;
  bridge: string;
}

export interface LabConfig {
  version: 1;
  labId: string;
  /** First three bytes, as `10.130.7`. */
  subnet: string;
  hosts: string[];
}

export interface LabHost {
  name: string;
  address: string;
  /** The end of the host's cable in the machine's own network namespace. */
  link: string;
  /** Upper layer, disk image, host key and pid record. */
  directory: string;
}

export async function labPlace(zapHome: string): Promise<LabPlace> {
  await makeZapHome(zapHome);
  const home = await realpath(zapHome);
  const labId = createHash('sha256').update(home).digest('hex').slice(0, 6);
  return {
    labId,
    zapHome: home,
    stateDirectory: join(stateRoot, labId),
    lockFile: `/run/zap-lab/${labId}.lock`,
    configFile: join(home, 'lab.json'),
    identityFile: join(home, 'lab', 'id_ed25519'),
    bridge: `zl${labId}`, // interface names end at 15 bytes
  };
}

export async function readConfig(place: LabPlace): Promise<LabConfig | undefined> {
  const config = await readJson<LabConfig>(place.configFile);
  if (config && config.version !== 1) {
    throw new ZapError('lab/too-new', `${place.configFile} was written by a newer version.`, { data: { version: config.version } });
  }
  return config;
}

export function labHost(place: LabPlace, subnet: string, name: string): LabHost {
  const number = hostNames.indexOf(name as (typeof hostNames)[number]) + 1;
  return { name, address: `${subnet}.${number}`, link: `${place.bridge}-${number}`, directory: join(place.stateDirectory, name) };
}

export function gatewayOf(subnet: string): string {
  return `${subnet}.254`;
}
