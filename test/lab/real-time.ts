/**
 * A lab's share of real time.
 *
 * Where cgroup v1 shares it out (CONFIG_RT_GROUP_SCHED), a group that was just made has none, and CRIU's warden could not go before others there as it does on most hosts. A
 * group that has used up its share stands still until the period ends, so only labs in which a CRIU is killed have one. The period is long, because what counts is that
 * one dump never uses up the share, while those of all labs side by side must fit into the machine's (95 %).
 */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ZapError } from '../../helper/protocol/errors';
import { findHierarchies, labGroup } from './cgroups';

const periodUs = 5_000_000;
const perHostUs = 300_000; // a dump of a small POD takes about 30 ms
/** The kernel counts a group that was removed for a while. */
const freedWithinMs = 2000;

/** For the lab's hosts that are there, and those that are started later. */
export async function allowRealTime(labId: string, hosts: readonly string[]): Promise<void> {
  const group = await sharedGroup(labId);
  if (!group) return;
  try {
    await writeShare(group, perHostUs * hosts.length);
    for (const host of hosts) await passRealTimeOn(labId, host);
  } catch (error) {
    throw new ZapError('lab/no-real-time', 'This machine gives the lab no real time, without which CRIU has no sure protection from being killed at work.', {
      hint: 'Another lab may have it: `cat /sys/fs/cgroup/cpu/*/cpu.rt_runtime_us`. In a container it takes one with real time of its own (docker run --cpu-rt-runtime).',
      cause: error,
    });
  }
}

/** Gives a host its part of what its lab has. */
export async function passRealTimeOn(labId: string, host: string): Promise<void> {
  const group = await sharedGroup(labId);
  if (!group || !existsSync(join(group, host)) || Number(await readFile(join(group, runtimeFile), 'utf8')) === 0) return;
  await writeShare(join(group, host), perHostUs);
}

const runtimeFile = 'cpu.rt_runtime_us';

async function sharedGroup(labId: string): Promise<string | undefined> {
  const root = (await findHierarchies()).v1.find(({ controller }) => controller === 'cpu')?.path;
  const group = root === undefined ? undefined : join(root, labGroup(labId));
  return group !== undefined && existsSync(join(group, runtimeFile)) ? group : undefined;
}

async function writeShare(group: string, runtimeUs: number): Promise<void> {
  const giveUpAtMs = performance.now() + freedWithinMs;
  for (;;) {
    try {
      await writeFile(join(group, 'cpu.rt_period_us'), String(periodUs));
      await writeFile(join(group, runtimeFile), String(runtimeUs));
      return;
    } catch (error) {
      if (performance.now() > giveUpAtMs) throw error;
      await delay(20);
    }
  }
}
