import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { openNetwork } from '../system/network-fixture';
import { run } from '../system/spawn';
import type { LinkPlan } from './link-plan';
import { connect, createLink, disconnect } from './pod-link';

const isRoot = process.getuid?.() === 0;
if (!isRoot && !process.env['CI']) console.warn('\n*** SKIPPED: the link of a POD: not root ***\n');

describe.skipIf(!isRoot && !process.env['CI'])('the link of a POD', () => {
  const suffix = process.pid.toString(36).slice(-5);
  const plan: LinkPlan = { kind: 'veth', outer: `zl${suffix}o`, bridge: `zl${suffix}b`, mac: '02:00:00:00:00:08', address: '10.98.8.2', prefixLength: 24, gateway: undefined };
  let network: Awaited<ReturnType<typeof openNetwork>>;
  let pid: number;

  beforeAll(async () => {
    network = await openNetwork();
    ({ pid } = network);
    await run('ip', ['link', 'add', plan.bridge, 'up', 'type', 'bridge']);
    await run('ip', ['address', 'add', '10.98.8.1/24', 'dev', plan.bridge]);
  });
  afterAll(async () => {
    network.close();
    await run('ip', ['link', 'delete', plan.outer]).catch(() => {}); // gone with its peer's namespace
    await run('ip', ['link', 'delete', plan.bridge]);
  });

  const send = (): Promise<unknown> => run('nsenter', ['--net', '--target', String(pid), 'bash', '-c', 'echo x > /dev/udp/10.98.8.1/9']);
  const neighbours = (): string => readFileSync(`/proc/${pid}/net/arp`, 'latin1');
  const unanswered = /^10\.98\.8\.1 +0x1 +0x0 .*eth0$/m;

  test('asks for its neighbours anew when it opens, and keeps those that have answered', async () => {
    createLink(plan, pid);
    await send();
    expect(neighbours()).toMatch(unanswered);
    connect(plan, pid);
    expect(neighbours()).not.toContain('10.98.8.1 ');
    await vi.waitUntil(async () => (await send(), /^10\.98\.8\.1 +0x1 +0x2 /m.test(neighbours())));
    disconnect(plan, pid);
    connect(plan, pid);
    expect(neighbours()).toMatch(/^10\.98\.8\.1 +0x1 +0x2 /m);
  });
});
