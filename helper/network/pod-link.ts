/**
 * A POD's one link to the world.
 *
 * With a bridge it is a veth pair whose outer end is named after the POD; otherwise a macvlan. Its being closed is the network lock of a checkpoint:
 * nothing reaches frozen sockets, and nothing they say gets out when the frozen tree is killed.
 */
import { existsSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { announceAddress, interfaceIndex, joinBridge, setLinkUp } from '../system/link';
import { inNetworkNamespace, Netlink } from '../system/netlink';
import { run } from '../system/spawn';
import { unguardPort } from './guard';
import { outerName, type LinkPlan } from './link-plan';
import { releaseNat } from './nat';

const loopbackIndex = 1;
const maxUnsentBytes = 128 << 10;

/** Makes the link in the network namespace of `init`: complete, with carrier, and closed until `connect`. */
export function createLink(plan: LinkPlan, init: number): void {
  if (plan.kind !== 'none') {
    using here = Netlink.open();
    if (plan.kind === 'veth') {
      here.addVeth(plan.outer, { name: 'eth0', mac: plan.mac, pid: init });
      keepFromHost(plan.outer);
      setLinkUp(plan.outer, true);
    } else here.addMacvlan('eth0', plan.mac, interfaceIndex(plan.parent), init);
  }
  inNetworkNamespace(init, (inside) => {
    inside.setLink(loopbackIndex, true);
    if (plan.kind === 'none') return;
    const index = inside.indexOf('eth0');
    inside.setMtu(index, uplinkMtu(plan) - 1); // see `completeLink`
    inside.addAddress(index, plan.address, plan.prefixLength);
    inside.setLink(index, true);
    if (plan.gateway !== undefined) inside.setDefaultRoute(index, plan.gateway);
  });
}

/**
 * What a program has written and TCP has not sent yet travels with the POD, so there shall be little of it: beyond this a write waits, as it does for a
 * full buffer. Nothing is lost of the throughput, since what is on its way does not count. CRIU writes such data as a program would, so the bound must not
 * be there before. /proc/sys/net is that of the caller's namespace.
 */
function boundUnsent(): void {
  const file = '/proc/sys/net/ipv4/tcp_notsent_lowat';
  if (existsSync(file)) writeFileSync(file, String(maxUnsentBytes));
}

/**
 * After the processes are there: gives the link its full MTU. Restored TCP connections take the smallest segments there are until they see the path's MTU
 * change; so it does.
 */
export function completeLink(plan: LinkPlan, init: number): void {
  inNetworkNamespace(init, (inside) => {
    boundUnsent();
    if (plan.kind !== 'none') inside.setMtu(inside.indexOf('eth0'), uplinkMtu(plan));
  });
}

function uplinkMtu(plan: Exclude<LinkPlan, { kind: 'none' }>): number {
  return Number(readFileSync(`/sys/class/net/${plan.kind === 'veth' ? plan.bridge : plan.parent}/mtu`, 'utf8'));
}

/** While the outer end is no bridge's port, what comes out of it would be the host's: it answers nothing and passes nothing on. */
function keepFromHost(outer: string): void {
  const settings = { 'ipv4/conf/NAME/arp_ignore': '8', 'ipv4/conf/NAME/forwarding': '0', 'ipv6/conf/NAME/disable_ipv6': '1' };
  for (const [path, value] of Object.entries(settings)) {
    const file = `/proc/sys/net/${path.replace('NAME', outer)}`;
    if (existsSync(file)) writeFileSync(file, value);
  }
}

/**
 * Closes the link: nothing reaches the POD and (with a bridge) nothing leaves it, which is the network lock of a checkpoint. The carrier stays: its loss
 * would be news to programs that listen on netlink, news that frozen ones cannot read and CRIU cannot carry.
 */
export function disconnect(plan: LinkPlan, init: number): void {
  if (plan.kind === 'veth') {
    using here = Netlink.open();
    here.setBridgePortOpen(interfaceIndex(plan.outer), false);
  } else if (plan.kind === 'macvlan') inNetworkNamespace(init, (inside) => inside.setMacvlanOpen(inside.indexOf('eth0'), false));
}

/** Opens it again. A link that has gone, as it does with the POD's last process, has nothing to open. */
export function connect(plan: LinkPlan, init: number): void {
  if (plan.kind === 'none') return;
  if (plan.kind === 'veth') {
    try {
      openPort(plan);
    } catch (error) {
      if (hasNetwork(init)) throw error;
      return;
    }
  } else inNetworkNamespace(init, (inside) => inside.setMacvlanOpen(inside.indexOf('eth0'), true));
  askForNeighboursAnew(init);
}

/**
 * Connections that come back ask for their neighbours at once, while the link is closed, and would not ask again for a second, in which nothing of the POD gets
 * out: such questions are forgotten. /proc/PID/net/arp has them without the flag ATF_COM (arp(7)). Nobody may fail for it: one that is answered or forgotten
 * meanwhile is none.
 */
function askForNeighboursAnew(init: number): void {
  try {
    const unanswered = [...readFileSync(`/proc/${init}/net/arp`, 'latin1').matchAll(/^([\d.]+) +\S+ +0x0 .*eth0$/gm)].map((match) => match[1]!);
    if (unanswered.length === 0) return;
    inNetworkNamespace(init, (inside) => {
      const index = inside.indexOf('eth0');
      for (const address of unanswered) inside.deleteNeighbour(index, address);
    });
  } catch {
    // asked again a second later
  }
}

/** A first process that was killed has none any more, long before it is a zombie: it waits for all others of its namespace. */
function hasNetwork(init: number): boolean {
  try {
    readlinkSync(`/proc/${init}/ns/net`);
    return true;
  } catch {
    return false;
  }
}

function openPort({ bridge, outer }: Extract<LinkPlan, { kind: 'veth' }>): void {
  if (!existsSync(`/sys/class/net/${outer}/brport`)) return joinBridge(bridge, outer);
  using here = Netlink.open();
  here.setBridgePortOpen(interfaceIndex(outer), true);
}

/** Tells the segment where the POD is now. By itself, since closing a packet socket waits for the whole kernel (5–15 ms): the POD runs meanwhile. */
export function announce(plan: LinkPlan, init: number): void {
  if (plan.kind === 'veth') announceAddress(plan.bridge, plan.mac, plan.address);
  else if (plan.kind === 'macvlan') inNetworkNamespace(init, (inside) => announceAddress('eth0', plan.mac, plan.address, inside.indexOf('eth0')));
}

/** Removes what is left of the link after its namespace ended; the kernel takes a veth along a moment later by itself. */
export async function removeLink(podId: string): Promise<void> {
  const outer = outerName(podId);
  if (existsSync(`/sys/class/net/${outer}`)) {
    await run('ip', ['link', 'delete', outer]).catch((error: unknown) => {
      if (existsSync(`/sys/class/net/${outer}`)) throw error;
    });
  }
  await unguardPort(outer);
  await releaseNat();
}
