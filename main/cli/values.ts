/** Option values as people write them, as the protocol wants them. */
import type { z } from 'zod';
import { ZapError } from '../../helper/protocol/errors';
import { EnvironmentName, Network, PodName, type Limits } from '../../helper/protocol/model';

export function podName(text: string): string {
  if (PodName.safeParse(text).success) return text;
  throw new ZapError('usage/bad-name', `"${text}" cannot be the name of a POD.`, { hint: 'Lower-case letters, digits and inner dashes, at most 40: it is also its host name.' });
}

export function environmentName(text: string): string {
  if (EnvironmentName.safeParse(text).success) return text;
  throw new ZapError('usage/bad-name', `"${text}" cannot be the name of an environment.`, { hint: 'Lower-case letters, digits and inner dots, dashes and underscores, at most 64.' });
}

export const networkOptions = {
  network: { kind: 'value', placeholder: 'lan:ADDR/LEN|nat|none', help: 'an address of the LAN that travels along, outbound through the host, or none' },
  gateway: { kind: 'value', placeholder: 'ADDR', help: 'the router of a lan address' },
} as const;

/** `lan:ADDRESS/LENGTH`, `nat` or `none`. */
export function network(text: string, gateway: string | undefined): z.infer<typeof Network> {
  const lan = /^lan:([^/]+)\/(\d{1,2})$/.exec(text);
  const value = lan ? { profile: 'lan', address: lan[1], prefixLength: Number(lan[2]), ...(gateway === undefined ? {} : { gateway }) } : { profile: text };
  const parsed = Network.safeParse(value);
  if (parsed.success && (lan || gateway === undefined)) return parsed.data;
  if (parsed.success) throw new ZapError('usage/bad-network', `A gateway goes with a "lan" address only.`, { hint: 'Write --network lan:ADDRESS/LENGTH --gateway ADDRESS.' });
  throw new ZapError('usage/bad-network', `"${text}"${gateway === undefined ? '' : ` with gateway "${gateway}"`} is not a network.`, { hint: 'Write lan:ADDRESS/LENGTH (as in lan:10.0.0.12/24), nat or none.' });
}

const units: Record<string, number> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** `512M`, `2G`: binary units. */
export function sizeBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([KMGT]?)(?:i?B)?$/i.exec(text);
  const value = match ? Math.round(Number(match[1]) * units[match[2]!.toUpperCase()]!) : 0;
  if (value > 0 && Number.isSafeInteger(value)) return value;
  throw new ZapError('usage/bad-size', `"${text}" is not a size.`, { hint: 'Write 512M or 2G.' });
}

/** `20M`: bytes each second. */
export function bytesPerSecond(text: string): number {
  const value = sizeBytes(text.replace(/\/s$/, ''));
  if (value >= 1024) return value;
  throw new ZapError('usage/bad-size', `"${text}" is too little to move anything.`, { hint: 'Write 20M for 20 MiB each second.' });
}

export function limits(options: { memory: string | undefined; cpus: string | undefined; pids: string | undefined }): z.infer<typeof Limits> {
  return {
    ...(options.memory === undefined ? {} : { memoryBytes: sizeBytes(options.memory) }),
    ...(options.cpus === undefined ? {} : { cpus: positive('--cpus', options.cpus) }),
    ...(options.pids === undefined ? {} : { pids: wholeNumber('--pids', options.pids) }),
  };
}

export function wholeNumber(option: string, text: string, max = 2 ** 31 - 1): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= max) return value;
  throw new ZapError('usage/bad-number', `${option} takes a whole number from 1 to ${max}, not "${text}".`);
}

function positive(option: string, text: string): number {
  const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : 0;
  if (value > 0 && value <= 4096) return value;
  throw new ZapError('usage/bad-number', `${option} takes a number above 0, not "${text}".`);
}

export function geometry(text: string): string {
  if (/^\d{3,5}x\d{3,5}$/.test(text)) return text;
  throw new ZapError('usage/bad-geometry', `"${text}" is not the size of a screen.`, { hint: 'Write WIDTHxHEIGHT, as in 1280x800.' });
}
