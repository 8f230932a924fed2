/**
 * The `nat` profile: PODs behind a bridge of the helper's own, masqueraded.
 *
 * The bridge has the same address on every host, so that a POD keeps address and gateway when it moves. Made with the first such POD, removed with the
 * last.
 */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { run } from '../system/spawn';

export const natBridge = 'zap0';
export const natGateway = '10.114.0.1';
export const natPrefixLength = 16;

/** A POD's address behind the bridge, from its id: the same wherever it goes. */
export function natAddress(podId: string): string {
  const number = (Number.parseInt(podId.slice(0, 8), 16) % (2 ** 16 - 512)) + 256;
  return `10.114.${number >> 8}.${number & 255}`;
}

export async function ensureNat(): Promise<void> {
  if (!existsSync(`/sys/class/net/${natBridge}`)) {
    await run('ip', ['-batch', '-'], { input: `link add ${natBridge} type bridge\naddress add ${natGateway}/${natPrefixLength} dev ${natBridge}\nlink set ${natBridge} up\n` });
  }
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
  await run('nft', ['-f', '-'], {
    input: `table ip zap {}\ndelete table ip zap\ntable ip zap {\n  chain postrouting {\n    type nat hook postrouting priority 100;\n    ip saddr ${natGateway.replace(/\.\d+$/, '.0')}/${natPrefixLength} oifname != "${natBridge}" masquerade\n  }\n}\n`,
  });
}

/** Takes bridge and rules away when no POD is on them any more. */
export async function releaseNat(): Promise<void> {
  if (!existsSync(`/sys/class/net/${natBridge}`) || readdirSync(`/sys/class/net/${natBridge}/brif`).length > 0) return;
  await run('ip', ['link', 'delete', natBridge]);
  await run('nft', ['delete', 'table', 'ip', 'zap']);
}
