import { readlinkSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { announceAddress, interfaceIndex, joinBridge, setLinkUp } from './link';
import { inNetworkNamespace, Netlink } from './netlink';
import { openNetwork } from './network-fixture';
import { run } from './spawn';

const isRoot = process.getuid?.() === 0;
if (!isRoot && !process.env['CI']) console.warn('\n*** SKIPPED: links over netlink: not root ***\n');

describe.skipIf(!isRoot && !process.env['CI'])('links over netlink', () => {
  const suffix = process.pid.toString(36).slice(-5);
  const [bridge, outer] = [`zt${suffix}b`, `zt${suffix}o`];
  let network: Awaited<ReturnType<typeof openNetwork>>;
  let pid: number;

  beforeAll(async () => {
    network = await openNetwork();
    ({ pid } = network);
    await run('ip', ['link', 'add', bridge, 'type', 'bridge']);
  });
  afterAll(async () => {
    network.close();
    await run('ip', ['link', 'delete', outer]).catch(() => {}); // gone with its peer's namespace
    await run('ip', ['link', 'delete', bridge]);
  });

  const inside = async (...args: string[]): Promise<string> => (await run('nsenter', ['--net', '--target', String(pid), 'ip', ...args])).stdout;

  test('a veth with an address and a default route, made from outside', async () => {
    const home = readlinkSync('/proc/thread-self/ns/net');
    {
      using here = Netlink.open();
      here.addVeth(outer, { name: 'eth0', mac: '02:00:00:00:00:07', pid });
    }
    inNetworkNamespace(pid, (netlink) => {
      const index = netlink.indexOf('eth0');
      netlink.addAddress(index, '10.98.7.2', 24);
      netlink.setLink(index, true);
      netlink.setDefaultRoute(index, '10.98.7.1');
    });
    expect(readlinkSync('/proc/thread-self/ns/net')).toBe(home);
    expect(await inside('-br', 'address', 'show', 'eth0')).toMatch(/10\.98\.7\.2\/24/);
    expect(await inside('-br', 'link', 'show', 'eth0')).toMatch(/02:00:00:00:00:07/);
    expect(await inside('route')).toMatch(/default via 10\.98\.7\.1 dev eth0/);
    joinBridge(bridge, outer);
    for (const name of [bridge, outer]) setLinkUp(name, true);
    announceAddress(bridge, '02:00:00:00:00:07', '10.98.7.2');
    expect((await run('ip', ['-o', 'link', 'show', outer])).stdout).toMatch(new RegExp(`master ${bridge} .*state UP`));
    using here = Netlink.open();
    const portState = async (): Promise<string> => /state (\w+) *priority/.exec((await run('bridge', ['-d', 'link', 'show', 'dev', outer])).stdout)?.[1] ?? '';
    const carrier = async (): Promise<string> => inside('-o', 'link', 'show', 'eth0');
    await vi.waitUntil(async () => (await portState()) === 'forwarding');
    here.setBridgePortOpen(interfaceIndex(outer), false);
    expect(await portState()).toBe('listening');
    expect(await carrier()).toMatch(/state UP/); // nobody inside notices
    here.setBridgePortOpen(interfaceIndex(outer), true);
    expect(await portState()).toBe('forwarding');
    setLinkUp(outer, false);
    expect((await run('ip', ['-o', 'link', 'show', outer])).stdout).toMatch(/state DOWN/);
  });

  test('a macvlan that is closed takes nothing in, and keeps its carrier', async () => {
    {
      using here = Netlink.open();
      setLinkUp(outer, true);
      here.addMacvlan('mv0', '02:00:00:00:00:09', interfaceIndex(bridge), pid);
    }
    const mode = async (): Promise<string> => /macvlan mode (\w+)/.exec(await inside('-d', '-o', 'link', 'show', 'mv0'))?.[1] ?? '';
    expect(await mode()).toBe('source');
    inNetworkNamespace(pid, (netlink) => netlink.setMacvlanOpen(netlink.indexOf('mv0'), true));
    expect(await mode()).toBe('bridge');
    inNetworkNamespace(pid, (netlink) => netlink.setMacvlanOpen(netlink.indexOf('mv0'), false));
    expect(await mode()).toBe('source');
  });

  test('the kernel\'s refusal is an error, and the way home is found', () => {
    const home = readlinkSync('/proc/thread-self/ns/net');
    expect(() => inNetworkNamespace(pid, (netlink) => netlink.addAddress(4711, '10.98.7.3', 24))).toThrow(/netlink refused address 10\.98\.7\.3/);
    expect(() => inNetworkNamespace(pid, (netlink) => netlink.indexOf('nosuch0'))).toThrow(/netlink refused/);
    expect(readlinkSync('/proc/thread-self/ns/net')).toBe(home);
  });
});
