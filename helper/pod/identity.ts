/** Numbers and names that belong to one POD only. */
import { randomBytes } from 'node:crypto';
import { ZapError } from '../protocol/errors';
import type { Network } from '../protocol/model';
import { podAddress } from '../network/link-plan';
import { idsPerPod } from '../system/mounts';
import { listRecords, type PodRecord } from './record';

const firstBase = 2 ** 30; // above every range that distributions hand out in /etc/subuid
const slots = 2 ** 14;

export function newPodId(): string {
  return randomBytes(6).toString('hex');
}

/** A locally administered unicast address. */
export function newMac(): string {
  return ['02', ...randomBytes(5).toString('hex').match(/../g)!].join(':');
}

/** Whether these ids can be a POD's at all. A peer names them, and the host's own users have ids too. */
export function isUidBase(base: number): boolean {
  return base >= firstBase && base < firstBase + slots * idsPerPod && (base - firstBase) % idsPerPod === 0;
}

/** A range of host ids that no POD of this host has; random, so that two hosts seldom choose the same. */
export function newUidBase(): number {
  const taken = new Set(listRecords().map((record) => record.uidBase));
  for (let attempt = 0; attempt < 1000; attempt++) {
    const base = firstBase + (randomBytes(4).readUInt32BE() % slots) * idsPerPod;
    if (!taken.has(base)) return base;
  }
  throw new ZapError('pod/no-id-range', 'This host has no free range of user ids left.', { hint: 'Delete PODs that are not needed any more.' });
}

export function requireFreeName(name: string, exceptId?: string): void {
  const other = listRecords().find((record) => record.name === name && record.id !== exceptId);
  if (other) throw new ZapError('pod/name-taken', `A POD named "${name}" exists on this host already.`, { hint: 'Choose another name, or delete that POD.', data: { name, id: other.id } });
}

/** Who on this host has the address that a POD with this network would have. */
export function addressHolder(pod: { id: string; network: Network }): PodRecord | undefined {
  const address = podAddress(pod.id, pod.network);
  return address === undefined ? undefined : listRecords().find((record) => record.id !== pod.id && podAddress(record.id, record.network) === address);
}

export function requireFreeAddress(pod: { id: string; network: Network }): void {
  const holder = addressHolder(pod);
  if (holder) {
    throw new ZapError('network/address-taken', `The address ${podAddress(pod.id, pod.network)} belongs to POD "${holder.name}".`, { hint: 'Choose another address.', data: { pod: holder.name } });
  }
}
