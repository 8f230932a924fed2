/**
 * The lab's cables: one bridge on the machine, a veth pair to each host, and inside the host a bridge that PODs can join.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { ZapError } from '../../helper/protocol/errors';
import { run } from '../../helper/system/spawn';
import { gatewayOf, type LabConfig, type LabHost, type LabPlace } from './config';

export async function ipBatch(lines: string[], inNetworkOf?: number): Promise<void> {
  const [program, ...args] = [...(inNetworkOf === undefined ? [] : ['nsenter', '-t', String(inNetworkOf), '-n']), 'ip', '-batch', '-'];
  await run(program!, args, { input: `${lines.join('\n')}\n`, code: 'lab/network-failed' });
}

/** Interfaces of this machine whose names are the lab's. */
export async function labLinks(place: LabPlace): Promise<string[]> {
  const { stdout } = await run('ip', ['-o', 'link']);
  const links = [...stdout.matchAll(/^\d+: ([^:@]+)/gm)].map((match) => match[1]!);
  return links.filter((link) => link === place.bridge || link.startsWith(`${place.bridge}-`));
}

export async function deleteLinks(links: string[]): Promise<void> {
  for (const link of links) await run('ip', ['link', 'delete', link]).catch((error: unknown) => ignoreMissing(error));
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof ZapError && /Cannot find device/.test(error.evidence?.join('\n') ?? ''))) throw error;
}

/** A 10.x.y that nothing on this machine uses: the lab's former one, or the first free one in an order that the lab's id decides. */
export async function freeSubnet(place: LabPlace, former: string | undefined): Promise<string> {
  const used = [...(await run('ip', ['-4', '-o', 'addr'])).stdout.matchAll(/inet (\d+\.\d+\.\d+)\./g)].map((match) => match[1]!);
  const routed = [...(await run('ip', ['-4', 'route', 'show', 'table', 'all'])).stdout.matchAll(/(?:^|\s)(\d+\.\d+\.\d+)\.\d+/gm)].map((match) => match[1]!);
  const taken = new Set([...used, ...routed]);
  if (former && !taken.has(former)) return former;
  const first = Number.parseInt(place.labId, 16);
  for (let step = 0; step < 0x4000; step++) {
    const number = (first + step) % 0x4000;
    const subnet = `10.${128 + (number >> 8)}.${number & 0xff}`;
    if (!taken.has(subnet)) return subnet;
  }
  throw new ZapError('lab/no-free-subnet', 'Every 10.128.0.0/10 subnet is in use on this machine.');
}

/** A bridge whose making was interrupted has no address. */
export async function hasBridge(place: LabPlace, subnet: string): Promise<boolean> {
  const { stdout } = await run('ip', ['-4', '-o', 'addr']);
  return stdout.split('\n').some((line) => line.includes(` ${place.bridge} `) && line.includes(` ${gatewayOf(subnet)}/24 `));
}

export async function makeBridge(place: LabPlace, subnet: string): Promise<void> {
  await ipBatch([
    `link add ${place.bridge} type bridge`,
    `addr add ${gatewayOf(subnet)}/24 dev ${place.bridge}`,
    `link set ${place.bridge} up`,
  ]);
}

/** Connects a host that has just started. Its bridge has a fixed MAC: left alone it takes the lowest of its ports' and changes when a POD joins. */
export async function connectHost(place: LabPlace, config: LabConfig, host: LabHost, pid: number): Promise<void> {
  const number = Number(host.address.split('.').at(-1));
  const mac = ['02', '7a', ...place.labId.match(/../g)!, number.toString(16).padStart(2, '0')].join(':');
  await ipBatch([`link add ${host.link} type veth peer name eth0 netns ${pid}`, `link set ${host.link} master ${place.bridge} up`]);
  await ipBatch(
    [
      `link add br0 address ${mac} type bridge`,
      'link set eth0 master br0 up',
      'link set br0 up',
      `addr add ${host.address}/24 dev br0`,
      `route add default via ${gatewayOf(config.subnet)}`,
    ],
    pid,
  );
}

/**
 * Waits until the whole way to a host carries frames; the kernel brings ports up some milliseconds after they were set up.
 *
 * An ARP request sent into that gap is lost, and the next one is sent a second later.
 */
export async function waitForCarrier(place: LabPlace, host: LabHost, pid: number): Promise<void> {
  const inside = `/proc/${pid}/root/sys/class/net`;
  const devices = [`/sys/class/net/${place.bridge}`, `/sys/class/net/${host.link}`, `${inside}/eth0`, `${inside}/br0`];
  const giveUpAt = Date.now() + 2000;
  while (Date.now() < giveUpAt) {
    const states = await Promise.all(devices.map((device) => readFile(`${device}/operstate`, 'utf8').catch(() => 'absent')));
    if (states.every((state) => state.trim() === 'up')) return;
    await delay(5);
  }
}

/** Lines for /etc/hosts. */
export function hostsFile(hosts: LabHost[]): string {
  return ['127.0.0.1 localhost', '::1 localhost ip6-localhost ip6-loopback', ...hosts.map(({ address, name }) => `${address} ${name}`)].join('\n') + '\n';
}

