/** Where a POD's link is joined to this host's networks. */
import { existsSync } from 'node:fs';
import { ZapError } from '../protocol/errors';
import { run } from '../system/spawn';

interface IpAddress {
  ifname: string;
  addr_info: { family: string; local: string; prefixlen: number; scope: string }[];
}

export interface Uplink {
  interface: string;
  /** A bridge takes a veth as a port; any other interface carries a macvlan on top. */
  kind: 'bridge' | 'macvlan';
  gateway: string | undefined;
}

export function toNumber(address: string): number {
  return address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

export function isInSubnet(address: string, network: string, prefixLength: number): boolean {
  const size = 2 ** (32 - prefixLength);
  return Math.floor(toNumber(address) / size) === Math.floor(toNumber(network) / size);
}

async function addresses(): Promise<IpAddress[]> {
  return JSON.parse((await run('ip', ['-json', '-4', 'address', 'show'])).stdout) as IpAddress[];
}

/** IPv4 addresses under which other hosts may reach this one. */
export async function hostAddresses(): Promise<string[]> {
  return (await addresses()).filter((link) => link.ifname !== 'zap0').flatMap((link) => link.addr_info.filter((info) => info.family === 'inet' && info.scope === 'global').map((info) => info.local));
}

/** The interface of this host that is on the same segment as `address`. */
export async function findUplink(address: string): Promise<Uplink> {
  const links = await addresses();
  for (const link of links) {
    for (const info of link.addr_info) {
      if (info.family !== 'inet' || link.ifname === 'lo' || link.ifname === 'zap0' || !isInSubnet(address, info.local, info.prefixlen)) continue;
      if (info.local === address) throw new ZapError('network/address-taken', `The address ${address} is this host's own.`, { hint: 'Choose a free address of the same network.' });
      const kind = existsSync(`/sys/class/net/${link.ifname}/bridge`) ? 'bridge' : 'macvlan';
      return { interface: link.ifname, kind, gateway: await gatewayOn(link.ifname, info.local, info.prefixlen) };
    }
  }
  const networks = links.flatMap((link) => link.addr_info.filter((info) => info.scope === 'global').map((info) => `${info.local}/${info.prefixlen} on ${link.ifname}`));
  throw new ZapError('network/no-segment', `This host has no interface on the network of ${address}.`, {
    hint: `Choose an address from one of its networks (${networks.join(', ') || 'it has none'}), or use --network nat.`,
    data: { address },
  });
}

async function gatewayOn(name: string, local: string, prefixLength: number): Promise<string | undefined> {
  const routes = JSON.parse((await run('ip', ['-json', '-4', 'route', 'show', 'default', 'dev', name])).stdout) as { gateway?: string }[];
  return routes.map((route) => route.gateway).find((gateway) => gateway !== undefined && isInSubnet(gateway, local, prefixLength));
}

/** A neighbour that is well answers within this. */
export const answerWithinMs = 400;

/**
 * Refuses an address that some other machine has; a host without arping cannot ask.
 *
 * To be sure of a "no" arping's duplicate address detection takes a second; `withinMs` is for those who do not wait that long.
 */
export async function requireSilence(address: string, { withinMs = 4000 }: { withinMs?: number } = {}): Promise<void> {
  const mac = await whoAnswers(address, await findUplink(address), withinMs);
  if (mac) throw new ZapError('network/address-taken', `The address ${address} is in use on the network, by ${mac}.`, { hint: 'Choose another address.', data: { address, mac } });
}

async function whoAnswers(address: string, uplink: Uplink, timeoutMs: number): Promise<string | undefined> {
  try {
    const { stdout } = await run('arping', ['-D', '-c', '1', '-w', '1', '-I', uplink.interface, address], { timeoutMs });
    return macIn(stdout);
  } catch (error) {
    if (error instanceof ZapError && error.code === 'system/program-missing') return undefined;
    return error instanceof ZapError ? macIn(error.evidence?.join('\n') ?? '') : undefined;
  }
}

function macIn(text: string): string | undefined {
  return /\[([0-9A-Fa-f:]{17})\]/.exec(text)?.[1]?.toLowerCase();
}
