/**
 * A POD's one link to the world.
 *
 * With a bridge it is a veth pair whose outer end is named after the POD; otherwise a macvlan. Its being down is the network lock of a checkpoint:
 * nothing reaches frozen sockets, and nothing they say gets out when the frozen tree is killed.
 */
import { existsSync } from 'node:fs';
import type { Network } from '../protocol/model';
import { announceAddress, joinBridge, setLinkUp } from '../system/link';
import { run } from '../system/spawn';
import { ensureNat, natAddress, natBridge, natGateway, natPrefixLength, releaseNat } from './nat';
import { findUplink } from './uplink';

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

/** Makes the link in the network namespace of `init`; its outer end stays down until `connect`. */
export async function createLink(plan: LinkPlan, init: number): Promise<void> {
  const inside = ['link set lo up'];
  if (plan.kind === 'veth') {
    // From inside, with the peer given back to this process: both ends in one batch.
    inside.push(`link add eth0 address ${plan.mac} type veth peer name ${plan.outer} netns ${process.pid}`);
  } else if (plan.kind === 'macvlan') {
    await run('ip', ['link', 'add', plan.outer, 'link', plan.parent, 'netns', String(init), 'address', plan.mac, 'type', 'macvlan', 'mode', 'bridge']);
    inside.push(`link set ${plan.outer} name eth0`);
  }
  if (plan.kind !== 'none') {
    inside.push(`address add ${plan.address}/${plan.prefixLength} dev eth0`);
    if (plan.kind === 'veth') inside.push('link set eth0 up');
    if (plan.kind === 'veth' && plan.gateway) inside.push(`route add default via ${plan.gateway} dev eth0 onlink`);
  }
  await run('nsenter', ['--net', '--target', String(init), 'ip', '-batch', '-'], { input: `${inside.join('\n')}\n` });
  if (plan.kind === 'veth') joinBridge(plan.bridge, plan.outer);
}

export async function connect(plan: LinkPlan, init: number): Promise<void> {
  if (plan.kind === 'veth') {
    setLinkUp(plan.outer, true);
    announceAddress(plan.bridge, plan.mac, plan.address);
  } else if (plan.kind === 'macvlan') {
    const lines = ['link set eth0 up', ...(plan.gateway ? [`route replace default via ${plan.gateway} dev eth0 onlink`] : [])];
    await run('nsenter', ['--net', '--target', String(init), 'ip', '-batch', '-'], { input: `${lines.join('\n')}\n` });
    await run('nsenter', ['--net', '--target', String(init), 'arping', '-U', '-c', '1', '-I', 'eth0', plan.address], { timeoutMs: 3000 }).catch(() => {}); // a courtesy to switches; the first packet does the same
  }
}

export async function disconnect(plan: LinkPlan, init: number): Promise<void> {
  if (plan.kind === 'veth') setLinkUp(plan.outer, false);
  else if (plan.kind === 'macvlan') await run('nsenter', ['--net', '--target', String(init), 'ip', 'link', 'set', 'eth0', 'down']);
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
