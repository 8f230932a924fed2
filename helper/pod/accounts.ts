/** Users of a POD, as its own files name them. The POD writes these files: they are opened as a stranger's, and nothing in them is more than a number below 65536. */
import { closeSync, fstatSync, readSync } from 'node:fs';
import { ZapError } from '../protocol/errors';
import { O_NONBLOCK, O_RDONLY, openInRoot, openRoot } from '../system/paths';
import { podPaths, type PodRecord } from './record';

const maxFileBytes = 4 << 20;
const maxGroups = 1024;
const maxId = 65535;

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
  const account = findAccount(user, readInPod(record, 'etc/passwd'), readInPod(record, 'etc/group'));
  if (!account) throw new ZapError('pod/unknown-user', `POD "${record.name}" has no user "${user}".`, { hint: 'Its /etc/passwd names those there are.', data: { pod: record.name } });
  return account;
}

/** Empty where there is no such file, or something else than a file. */
function readInPod(record: PodRecord, path: string): string {
  const root = openRoot(podPaths(record.id).root);
  let fd = -1;
  try {
    fd = openInRoot(root, path, O_RDONLY | O_NONBLOCK);
    const stat = fstatSync(fd);
    if (!stat.isFile()) return '';
    const buffer = Buffer.alloc(Math.min(stat.size, maxFileBytes));
    return buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, 0));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'EXDEV', 'ENXIO'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  } finally {
    if (fd >= 0) closeSync(fd);
    closeSync(root);
  }
}
