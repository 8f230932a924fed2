/**
 * A POD's one link to the world.
 *
 * With a bridge it is a veth pair whose outer end is named after the POD; otherwise a macvlan. Its being down is the network lock of a checkpoint:
 * nothing reaches frozen sockets, and nothing they say gets out when the frozen tree is killed.
 */
import { existsSync } from 'node:fs';
import type { Network } from '../protocol/model';
import { announceAddress, interfaceIndex, joinBridge, setLinkUp } from '../system/link';
import { inNetworkNamespace, Netlink } from '../system/netlink';
import { run } from '../system/spawn';
import { ensureNat, natAddress, natBridge, natGateway, natPrefixLength, releaseNat } from './nat';
import { findUplink } from './uplink';

const loopbackIndex = 1;

/** All that is known before the network namespace exists, so that little is left to do while the POD is frozen. */
export type LinkPlan =
  | { kind: 'none' }
  | { kind: 'veth'; outer: string; bridge: string; mac: string; address: string; prefixLength: number; gateway: string | undefined }
  | { kind: 'macvlan'; outer: string; parent: string; mac: string; address: string; prefixLength: number; gateway: string | undefined };

/** Name of the link's outer end on the host; unique, and within the kernel's 15 characters. */
export function outerName(podId: string): string {
  return `zap${podId}`;
}

/** Address of a POD with this network, if it has one. */
export function podAddress(podId: string, network: Network): string | undefined {
  if (network.profile === 'lan') return network.address;
  return network.profile === 'nat' ? natAddress(podId) : undefined;
}

export async function planLink(pod: { id: string; mac: string; network: Network }): Promise<LinkPlan> {
  const { network, mac } = pod;
  const outer = outerName(pod.id);
  switch (network.profile) {
    case 'none':
      return { kind: 'none' };
    case 'nat':
      await ensureNat();
      return { kind: 'veth', outer, bridge: natBridge, mac, address: natAddress(pod.id), prefixLength: natPrefixLength, gateway: natGateway };
    case 'lan': {
      const uplink = await findUplink(network.address);
      const common = { outer, mac, address: network.address, prefixLength: network.prefixLength, gateway: network.gateway ?? uplink.gateway };
      return uplink.kind === 'bridge' ? { kind: 'veth', bridge: uplink.interface, ...common } : { kind: 'macvlan', parent: uplink.interface, ...common };
    }
  }
}

/** Makes the link in the network namespace of `init`; its outer end, or a macvlan itself, stays down until `connect`. */
export function createLink(plan: LinkPlan, init: number): void {
  if (plan.kind !== 'none') {
    using here = Netlink.open();
    if (plan.kind === 'veth') here.addVeth(plan.outer, { name: 'eth0', mac: plan.mac, pid: init });
    else here.addMacvlan('eth0', plan.mac, interfaceIndex(plan.parent), init);
  }
  inNetworkNamespace(init, (inside) => {
    inside.setLink(loopbackIndex, true);
    if (plan.kind === 'none') return;
    const index = inside.indexOf('eth0');
    inside.addAddress(index, plan.address, plan.prefixLength);
    if (plan.kind === 'veth') bringUp(inside, index, plan.gateway);
  });
  if (plan.kind === 'veth') joinBridge(plan.bridge, plan.outer);
}

function bringUp(inside: Netlink, index: number, gateway: string | undefined): void {
  inside.setLink(index, true);
  if (gateway !== undefined) inside.setDefaultRoute(index, gateway);
}

export function connect(plan: LinkPlan, init: number): void {
  if (plan.kind === 'veth') setLinkUp(plan.outer, true);
  else if (plan.kind === 'macvlan') inNetworkNamespace(init, (inside) => bringUp(inside, inside.indexOf('eth0'), plan.gateway));
}

/** Tells the segment where the POD is now. By itself, since closing a packet socket waits for the whole kernel (5–15 ms): the POD runs meanwhile. */
export function announce(plan: LinkPlan, init: number): void {
  if (plan.kind === 'veth') announceAddress(plan.bridge, plan.mac, plan.address);
  else if (plan.kind === 'macvlan') inNetworkNamespace(init, (inside) => announceAddress('eth0', plan.mac, plan.address, inside.indexOf('eth0')));
}

export function disconnect(plan: LinkPlan, init: number): void {
  if (plan.kind === 'veth') setLinkUp(plan.outer, false);
  else if (plan.kind === 'macvlan') inNetworkNamespace(init, (inside) => inside.setLink(inside.indexOf('eth0'), false));
}

/** Removes what is left of the link after its namespace ended; the kernel takes a veth along a moment later by itself. */
export async function removeLink(podId: string): Promise<void> {
  const outer = outerName(podId);
  if (existsSync(`/sys/class/net/${outer}`)) {
    await run('ip', ['link', 'delete', outer]).catch((error: unknown) => {
      if (existsSync(`/sys/class/net/${outer}`)) throw error;
    });
  }
  await releaseNat();
}
