/** For tests: all there is to know of a tree, and trees with everything in them. */
import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, readSync, rmSync, symlinkSync, writeFileSync, mkdirSync, linkSync, truncateSync, openSync, writeSync, utimesSync, chmodSync, chownSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { walkTree } from './walk';
import { makeNodeAt, O_RDONLY, openAt, openRoot, readLinkAt, setTimeAt } from '../system/paths';
import { getXattr, listXattrs, setXattr } from '../system/xattr';

/** One line per file: type, mode, owner, size, time, content, attributes, and which names share an inode. */
export function describeTree(rootPath: string): string[] {
  const root = openRoot(rootPath);
  try {
    const lines: string[] = [];
    const groups = new Map<number, string[]>();
    for (const { path, stat, directory, name } of walkTree(root)) {
      if (stat.type === 'socket') continue;
      const xattrs = listXattrs(directory, name).sort();
      lines.push(
        JSON.stringify({
          path,
          type: stat.type,
          mode: stat.mode.toString(8),
          owner: [stat.uid, stat.gid],
          device: [stat.deviceMajor, stat.deviceMinor],
          time: [stat.modifySeconds, stat.modifyNanoseconds],
          size: stat.type === 'directory' ? 0 : stat.sizeBytes,
          links: stat.type === 'directory' ? 0 : stat.linkCount,
          target: stat.type === 'symlink' ? readLinkAt(directory, name) : undefined,
          content: stat.type === 'file' ? contentHash(directory, name) : undefined,
          xattrs: xattrs.map((attribute) => [attribute, getXattr(directory, name, attribute)?.toString('hex')]),
        }),
      );
      if (stat.linkCount > 1 && stat.type !== 'directory') groups.set(stat.inode, [...(groups.get(stat.inode) ?? []), path]);
    }
    for (const names of groups.values()) lines.push(`same inode: ${names.sort().join(' ')}`);
    return lines.sort();
  } finally {
    closeSync(root);
  }
}

function contentHash(directory: number, name: string): string {
  const fd = openAt(directory, name, O_RDONLY);
  try {
    const hash = createHash('sha1');
    const buffer = Buffer.alloc(256 * 1024);
    for (let size = readSync(fd, buffer); size > 0; size = readSync(fd, buffer)) hash.update(buffer.subarray(0, size));
    return hash.digest('hex');
  } finally {
    closeSync(fd);
  }
}

export class ScratchDirectory {
  readonly path: string;

  constructor(parent = tmpdir()) {
    this.path = mkdtempSync(join(parent, 'zap-files-'));
  }

  make(name: string): string {
    const path = join(this.path, name);
    mkdirSync(path);
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** An access list that lets one user of the POD read: version 2, then (tag, permissions, id) for owner, user, group, mask, others. */
export function accessList(uid: number): Buffer {
  const list = Buffer.alloc(4 + 5 * 8);
  list.writeUInt32LE(2, 0);
  const entries = [
    [1, 6, 0xffffffff],
    [2, 4, uid],
    [4, 4, 0xffffffff],
    [16, 4, 0xffffffff],
    [32, 4, 0xffffffff],
  ] as const;
  entries.forEach(([tag, permissions, id], index) => {
    list.writeUInt16LE(tag, 4 + index * 8);
    list.writeUInt16LE(permissions, 6 + index * 8);
    list.writeUInt32LE(id, 8 + index * 8);
  });
  return list;
}

/** `security.capability` of version 3: cap_net_raw, granted by the root user `rootUid`. */
export function fileCapability(rootUid: number): Buffer {
  const capability = Buffer.alloc(24);
  capability.writeUInt32LE(0x03000001, 0);
  capability.writeUInt32LE(1 << 13, 4);
  capability.writeUInt32LE(rootUid, 20);
  return capability;
}

/** Fills a directory with one of everything that a layer can hold. */
export function fillWithEverything(path: string, uidBase: number): void {
  const at = (name: string): string => join(path, name);
  mkdirSync(at('etc/deep/er'), { recursive: true });
  writeFileSync(at('etc/motd'), 'welcome\n');
  writeFileSync(at('etc/empty'), '');
  writeFileSync(at('setuid'), '#!', { mode: 0o755 });
  chownSync(at('setuid'), uidBase + 1000, uidBase + 5);
  chmodSync(at('setuid'), 0o6755);
  chownSync(at('etc'), 0xfffffffe - 1, 0xfffffffe - 1);
  writeFileSync(at('large'), Buffer.alloc(3_000_001, 'content'));
  writeFileSync(at('sparse'), '');
  truncateSync(at('sparse'), 200 * 1024 * 1024);
  const sparse = openSync(at('sparse'), 'r+');
  writeSync(sparse, Buffer.from('in the middle'), 0, 13, 100 * 1024 * 1024);
  closeSync(sparse);
  linkSync(at('large'), at('etc/deep/same'));
  symlinkSync('../../nowhere', at('etc/deep/link'));
  linkSync(at('etc/deep/link'), at('etc/link2'));
  writeFileSync(Buffer.concat([Buffer.from(`${path}/not-utf8-`), Buffer.from([0xff, 0xfe, 10])]), 'bytes');
  writeFileSync(at('ünïcödé 文件'), 'text');
  const root = openRoot(path);
  try {
    makeNodeAt(root, 'fifo', 0o010640, 0, 0);
    makeNodeAt(root, 'whiteout', 0o020000, 0, 0);
    setXattr(root, 'etc', 'trusted.overlay.opaque', Buffer.from('y'));
    setXattr(root, 'whiteout', 'trusted.test', Buffer.from('on a device'));
    setXattr(root, 'fifo', 'trusted.test', Buffer.from('on a fifo'));
    setXattr(root, 'large', 'user.binary', Buffer.from([0, 255, 10, 0]));
    setXattr(root, 'large', 'user.empty', Buffer.alloc(0));
    setXattr(root, 'setuid', 'security.capability', fileCapability(uidBase));
    setXattr(root, 'etc', 'system.posix_acl_access', accessList(uidBase + 7));
    setXattr(root, 'etc', 'system.posix_acl_default', accessList(uidBase + 7));
    setXattr(openDirectory(root, 'etc/deep'), 'link', 'trusted.test', Buffer.from('on a link'));
    setTimeAt(root, 'etc/motd', -2, 500_000_000);
  } finally {
    closeSync(root);
  }
  utimesSync(at('etc/deep'), 1e9, 1e9 + 0.25);
  utimesSync(at('etc'), 5e9, 5e9);
}

function openDirectory(root: number, path: string): number {
  return path.split('/').reduce((fd, name) => openAt(fd, name, O_RDONLY), root);
}
