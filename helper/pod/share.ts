/** Who else may use a POD. A right of this host's users: it does not move along. */
import { ZapError } from '../protocol/errors';
import { lockPod } from './locks';
import { mayShare, saveRecord, type Caller, type PodRecord } from './record';

export function sharePod(record: PodRecord, caller: Caller, user: string, isShared: boolean): { sharedWith: string[] } {
  if (!mayShare(caller, record)) throw new ZapError('pod/not-owner', `Only ${record.owner}, who owns POD "${record.name}", may say who else uses it.`, { data: { pod: record.name, owner: record.owner } });
  using _pod = lockPod(record, 'being shared');
  const others = record.sharedWith.filter((one) => one !== user);
  record.sharedWith = isShared && user !== record.owner ? [...others, user].slice(-100) : others;
  saveRecord(record);
  return { sharedWith: record.sharedWith };
}

/** Whoever lets a POD in owns it here; only root may let in one of somebody else's. */
export function arrivingOwner(offered: string, caller: Caller): string {
  return caller.user === 'root' ? offered : caller.user;
}
