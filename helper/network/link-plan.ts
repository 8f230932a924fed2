/** How a POD is to be linked to the world, decided before there is anything to link. */
import type { Network } from '../protocol/model';
import { ensureNat, natAddress, natBridge, natGateway, natPrefixLength } from './nat';
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
