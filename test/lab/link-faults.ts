/**
 * Bad cables.
 */
import { ZapError } from '../../helper/protocol/errors';
import { run } from '../../helper/system/spawn';
import type { LabHost, LabPlace } from './config';

export type CutDirection = 'in' | 'out' | 'both';

/** Each way. Without a value nothing is changed in that respect. */
export interface LinkQuality {
  delayMs?: number;
  lossPercent?: number;
  rateMbit?: number;
}

/** Seen from the machine, what goes to the host leaves through the link and what comes from it arrives there. */
const hooks = { in: 'egress', out: 'ingress' } as const;
const dropProgram = '1,6 0 0 2,'; // "return TC_ACT_SHOT" in the kernel's packet filter language; kernels without tc's own drop action have it

export async function cutLink(host: LabHost, direction: CutDirection): Promise<void> {
  await joinLink(host);
  await run('tc', ['qdisc', 'add', 'dev', host.link, 'clsact']);
  for (const way of direction === 'both' ? (['in', 'out'] as const) : [direction]) {
    await run('tc', ['filter', 'add', 'dev', host.link, hooks[way], 'bpf', 'direct-action', 'bytecode', dropProgram]);
  }
}

export async function joinLink(host: LabHost): Promise<void> {
  await run('tc', ['qdisc', 'delete', 'dev', host.link, 'clsact']).catch((error: unknown) => {
    if (!/No such file|Invalid handle|Cannot find specified qdisc/.test(ZapError.from(error).evidence?.join('\n') ?? '')) throw error;
  });
}

export async function setLink(_place: LabPlace, _host: LabHost, _pid: number, _quality: LinkQuality): Promise<void> {
}

export async function clearLink(_place: LabPlace, _host: LabHost, _pid: number): Promise<void> {
}
