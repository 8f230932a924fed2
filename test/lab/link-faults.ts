/**
 * Bad cables.
 *
 * Nothing here goes through tc's netem, which many kernels are built without: loss is a packet filter, the rate a token bucket, and a delay is a wire made
 * of a program (delayed-wire.ts).
 */
import { ZapError } from '../../helper/protocol/errors';
import { run } from '../../helper/system/spawn';
import type { LabHost, LabPlace } from './config';
import { insertWire, removeWire } from './delayed-wire';

export type CutDirection = 'in' | 'out' | 'both';

/** Each way. What is left out is perfect. */
export interface LinkQuality {
  delayMs?: number;
  lossPercent?: number;
  rateMbit?: number;
}

/** What goes to the host leaves the machine's end of the cable; what comes from the host arrives there. */
const hooks = { in: 'egress', out: 'ingress' } as const;
const ways = ['in', 'out'] as const;

/** Places in the chain of filters of a hook, so that a cut comes and goes without touching the loss. */
const cutFilter = 1;
const lossFilter = 2;

const dropAll = '1,6 0 0 2,'; // return TC_ACT_SHOT

/** Classic BPF: load a random word; below the threshold return TC_ACT_SHOT, else TC_ACT_UNSPEC. */
export function dropSome(lossPercent: number): string {
  const threshold = Math.round((lossPercent / 100) * 0xffff_ffff);
  return `4,32 0 0 4294963256,53 1 0 ${threshold},6 0 0 2,6 0 0 4294967295,`;
}

export async function cutLink(host: LabHost, direction: CutDirection): Promise<void> {
  await joinLink(host);
  for (const way of direction === 'both' ? ways : [direction]) await addFilter(host, way, cutFilter, dropAll);
}

export async function joinLink(host: LabHost): Promise<void> {
  for (const way of ways) await removeFilter(host, way, cutFilter);
}

export async function setLink(place: LabPlace, host: LabHost, pid: number, quality: LinkQuality): Promise<void> {
  const { delayMs = 0, lossPercent = 0, rateMbit } = quality;
  if (!(delayMs >= 0 && lossPercent >= 0 && lossPercent <= 100 && (rateMbit === undefined || rateMbit > 0))) {
    throw new ZapError('lab/link-quality', 'A link has a delay of 0 ms or more, a loss of 0 to 100 % and a rate above 0.', { data: { ...quality } });
  }
  await clearLink(place, host, pid);
  if (lossPercent > 0) for (const way of ways) await addFilter(host, way, lossFilter, dropSome(lossPercent));
  if (rateMbit !== undefined) for (const end of bothEnds(host, pid)) await limitRate(end, rateMbit);
  if (delayMs > 0) await insertWire(place, host, delayMs);
}

export async function clearLink(place: LabPlace, host: LabHost, pid: number): Promise<void> {
  for (const way of ways) await removeFilter(host, way, lossFilter);
  for (const end of bothEnds(host, pid)) await tolerate(/No such file|Cannot delete qdisc with handle of zero/, [...end.command, 'qdisc', 'delete', 'dev', end.device, 'root']);
  await removeWire(place, host);
}

async function addFilter(host: LabHost, way: 'in' | 'out', preference: number, program: string): Promise<void> {
  await tolerate(/Exclusivity flag on/, ['tc', 'qdisc', 'add', 'dev', host.link, 'clsact']);
  await run('tc', ['filter', 'add', 'dev', host.link, hooks[way], 'pref', String(preference), 'bpf', 'direct-action', 'bytecode', program]);
}

async function removeFilter(host: LabHost, way: 'in' | 'out', preference: number): Promise<void> {
  const absent = /Cannot find specified (qdisc|filter chain)|No such file|Invalid argument|Parent Qdisc doesn't exist|Filter with specified priority\/protocol not found/;
  await tolerate(absent, ['tc', 'filter', 'delete', 'dev', host.link, hooks[way], 'pref', String(preference)]);
}

interface CableEnd {
  command: string[];
  device: string;
}

/** A device's queue holds what leaves by it, so each end of the cable has the queue of one direction. */
function bothEnds(host: LabHost, pid: number): CableEnd[] {
  return [
    { command: ['tc'], device: host.link },
    { command: ['nsenter', '-t', String(pid), '-n', 'tc'], device: 'eth0' },
  ];
}

async function limitRate({ command: [program, ...args], device }: CableEnd, rateMbit: number): Promise<void> {
  const burstBytes = Math.max(16_384, Math.ceil((rateMbit * 1e6) / 8 / 250)); // the bucket is filled at each timer tick, 250 a second at worst
  await run(program!, [...args, 'qdisc', 'add', 'dev', device, 'root', 'tbf', 'rate', `${rateMbit}mbit`, 'burst', String(burstBytes), 'latency', '100ms']);
}

async function tolerate(expected: RegExp, [program, ...args]: string[]): Promise<void> {
  try {
    await run(program!, args);
  } catch (error) {
    if (!expected.test(ZapError.from(error).evidence?.join('\n') ?? '')) throw error;
  }
}
