/**
 * What a POD may say on its network: frames with its own MAC and its own addresses, nothing else.
 *
 * The rules are the host's. At a bridge's port they name a link that may not exist yet, so they stand before the POD runs and cost a move's downtime
 * nothing. A macvlan has no port on the host; there they are in the POD's network namespace, where nothing of the POD has CAP_NET_ADMIN.
 */
import { ZapError } from '../protocol/errors';
import { run } from '../system/spawn';
import type { LinkPlan } from './link-plan';

type Link = Exclude<LinkPlan, { kind: 'none' }>;

/** The last 64 bits of the IPv6 addresses that the kernel makes from a MAC (RFC 4291, appendix A). */
export function interfaceIdentifier(mac: string): string {
  const [first, ...rest] = mac.split(':').map((octet) => Number.parseInt(octet, 16)) as [number, ...number[]];
  const bytes = [first ^ 2, ...rest.slice(0, 2), 0xff, 0xfe, ...rest.slice(2)];
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Rules for frames that come from the POD; the last one drops what none has let through. */
export function guardRules({ mac, address }: Pick<Link, 'mac' | 'address'>): string[] {
  const identifier = interfaceIdentifier(mac);
  const suffix = `::${identifier.match(/.{4}/g)!.join(':')}`;
  return [
    `ether saddr != ${mac} drop`,
    `ether type arp arp saddr ether ${mac} arp saddr ip { ${address}, 0.0.0.0 } accept`, // 0.0.0.0 asks whether an address is free
    'ether type ip icmp type redirect drop',
    'ether type ip udp sport 67 drop', // a POD gives no addresses to others
    `ether type ip ip saddr ${address} accept`,
    'ether type ip6 icmpv6 type { nd-router-advert, nd-redirect } drop',
    'ether type ip6 udp sport 547 drop',
    `ether type ip6 icmpv6 type nd-neighbor-advert @th,128,64 != 0x${identifier} drop`,
    `ether type ip6 ip6 saddr & ::ffff:ffff:ffff:ffff == ${suffix} accept`,
    'ether type ip6 ip6 saddr :: accept', // asks whether an address is free
    'drop',
  ];
}

function replaceTable(family: string, name: string, lines: string[]): string {
  return `table ${family} ${name} {}\ndelete table ${family} ${name}\ntable ${family} ${name} {\n  chain pod {\n${lines.map((line) => `    ${line}\n`).join('')}  }\n}\n`;
}

/** At the port of the host's bridge that the POD's link is, or will be. */
export async function guardPort(plan: LinkPlan): Promise<void> {
  if (plan.kind !== 'veth') return;
  const head = ['type filter hook prerouting priority -400; policy accept;', `iifname != "${plan.outer}" accept`];
  await run('nft', ['-f', '-'], { input: replaceTable('bridge', plan.outer, [...head, ...guardRules(plan)]), code: 'network/guard-failed' });
}

/** In the POD's network namespace, once that is there; its link is closed until then. */
export async function guardMacvlan(plan: LinkPlan, init: number): Promise<void> {
  if (plan.kind !== 'macvlan') return;
  const head = ['type filter hook egress device "eth0" priority 0; policy accept;'];
  await run('nsenter', ['--target', String(init), '--net', 'nft', '-f', '-'], { input: replaceTable('netdev', 'guard', [...head, ...guardRules(plan)]), code: 'network/guard-failed' });
}

export async function unguardPort(outer: string): Promise<void> {
  await run('nft', ['-f', '-'], { input: `table bridge ${outer} {}\ndelete table bridge ${outer}\n`, code: 'network/guard-failed' }).catch((error: unknown) => {
    if (!(error instanceof ZapError) || error.code !== 'system/program-missing') throw error; // where nft is missing there is no guard
  });
}
