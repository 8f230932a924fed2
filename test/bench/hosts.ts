/**
 * `npm run bench:hosts`: how long it takes until a host is ready.
 *
 * Enrolment of a host that has never seen Zap (upload included), later connects, and 30 connections at once with the delay that they cause in the event
 * loop. JSON lines on standard output; nothing is asserted about speed.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { ZapError } from '../../helper/protocol/errors';
import { connectHelper } from '../../main/helper-client/connect';
import { findHelperExecutable, type HelperExecutable } from '../../main/helper-client/executable';
import { FactsCache } from '../../main/helper-client/facts-cache';
import { Fleet } from '../../main/helper-client/fleet';
import type { HelperClient } from '../../main/helper-client/client';
import { openHost } from '../../main/hosts/connect';
import { Inventory } from '../../main/hosts/inventory';
import { labDown, labUp, type Lab } from '../lab';
import { figure } from './figures';
import { progress } from './progress';

const distDirectory = dirname(resolve(process.argv[1]!));
const hostCount = 3;
const connectRuns = 15;
const crowd = 30;

main().catch((thrown: unknown) => {
  const { message, hint, exitCode } = ZapError.from(thrown);
  progress(`bench:hosts: ${message}${hint === undefined ? '' : `\n             ${hint}`}`);
  process.exitCode = exitCode;
});

async function main(): Promise<void> {
  if (process.getuid?.() !== 0) throw new ZapError('lab/needs-root', 'The benchmark makes a lab, which only root may.', { hint: 'sudo env "PATH=$PATH" npm run bench:hosts' });
  const zapHome = await mkdtemp(join(tmpdir(), 'zap-bench-hosts-'));
  try {
    const lab = await labUp({ zapHome, hosts: hostCount, onLine: progress });
    await measure(lab, await Inventory.open(zapHome), await findHelperExecutable(distDirectory));
  } finally {
    const leftovers = await labDown({ zapHome });
    if (leftovers.length > 0) progress(`could not be removed: ${leftovers.join(', ')}`);
    await rm(zapHome, { recursive: true, force: true });
  }
}

async function measure(lab: Lab, inventory: Inventory, executable: HelperExecutable): Promise<void> {
  const print = (metric: string, values: readonly number[]): void => console.log(JSON.stringify(figure(metric, 'ms', values)));
  const connect = async (host: string): Promise<{ client: HelperClient; ms: number }> => {
    const startMs = performance.now();
    const client = await connectHelper(await openHost(inventory, host), { host, executable, isLocal: false });
    return { client, ms: performance.now() - startMs };
  };

  const enrolments: number[] = [];
  for (const { name } of lab.hosts) {
    const { client, ms } = await connect(name);
    enrolments.push(ms);
    client.close();
  }
  print('hosts-enrolment', enrolments);

  const connects: number[] = [];
  for (let run = 0; run < connectRuns; run++) {
    const { client, ms } = await connect(lab.hosts[run % lab.hosts.length]!.name);
    connects.push(ms);
    client.close();
  }
  print('hosts-connect', connects);

  // Each connection has a helper of its own on its host, so 3 hosts that are connected 10 times each cost this program what 30 hosts would.
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const startMs = performance.now();
  const opened = await Promise.all(Array.from({ length: crowd }, (_, index) => connect(lab.hosts[index % lab.hosts.length]!.name)));
  const allMs = performance.now() - startMs;
  delay.disable();
  for (const { client } of opened) client.close();
  print(`hosts-connect-${crowd}-at-once`, [allMs]);
  print('hosts-event-loop-longest-delay', [delay.max / 1e6]);

  const fleet = new Fleet(inventory, { executable: async () => executable });
  const cache = new FactsCache(fleet);
  const [one, other] = lab.hosts.map(({ name }) => name) as [string, string];
  await Promise.all([cache.get(one), cache.get(other)]);
  const pairs = Array.from({ length: 20 }, () => {
    const pairStartMs = performance.now();
    cache.pair(one, other);
    return performance.now() - pairStartMs;
  });
  print('hosts-pair-from-cache', pairs);
  await fleet.close();
}
