/** Users of a POD, as its own files name them; whatever these say, nothing in them is more than a number that a POD has. */
import { ZapError } from '../protocol/errors';
import { idsPerPod } from '../system/mounts';
import { readInside } from './inside';
import type { PodRecord } from './record';

const maxGroups = 1024;
const maxId = idsPerPod - 1;

export interface Account {
  name: string;
  uid: number;
  gid: number;
  groups: number[];
  home: string;
}

function id(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,5}$/.test(text) || Number(text) > maxId) return undefined;
  return Number(text);
}

/** The account that a name or a number means, from the text of `passwd` and `group`. */
export function findAccount(user: string, passwd: string, group: string): Account | undefined {
  const rows = passwd.split('\n').map((line) => line.split(':'));
  const row = rows.find(([name]) => name === user) ?? rows.find(([, , uid]) => id(user) !== undefined && id(uid) === id(user));
  const uid = id(row?.[2] ?? user) ?? (user === 'root' ? 0 : undefined);
  if (uid === undefined) return undefined;
  const name = row?.[0] ?? user;
  const gid = row ? id(row[3]) : uid;
  if (gid === undefined) return undefined;
  const groups = group.split('\n').flatMap((line) => {
    const [, , number, members] = line.split(':');
    const parsed = id(number);
    return parsed !== undefined && members?.split(',').includes(name) ? [parsed] : [];
  });
  return { name, uid, gid, groups: [...new Set([gid, ...groups])].slice(0, maxGroups), home: row?.[5]?.startsWith('/') ? row[5] : '/' };
}

export function accountOf(record: PodRecord, user: string): Account {
  const account = findAccount(user, readInside(record, 'etc/passwd'), readInside(record, 'etc/group'));
  if (!account) throw new ZapError('pod/unknown-user', `POD "${record.name}" has no user "${user}".`, { hint: 'Its /etc/passwd names those there are.', data: { pod: record.name } });
  return account;
}
