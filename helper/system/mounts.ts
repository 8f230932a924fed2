/**
 * Mounts, by the kernel's calls of Linux 5.12 and later instead of mount(8).
 *
 * Paths go in as they are: no option string in which a comma or colon could mean something, no limit of one page, and no need for a mount(8) that knows
 * id-mapped mounts (2.39 and later).
 */
import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { checked, lastErrno, libc } from './native';
import { cString, O_CLOEXEC, toByteString } from './paths';
import { start } from './spawn';

type Bytes = Uint8Array;
const openTreeCall = libc<[number, number, Bytes, number]>('int64_t syscall(int64_t number, int directory, const void *path, uint32_t flags)');
const moveMountCall = libc<[number, number, Bytes, number, Bytes, number]>('int64_t syscall(int64_t number, int fromDirectory, const void *from, int toDirectory, const void *to, uint32_t flags)');
const fsopenCall = libc<[number, Bytes, number]>('int64_t syscall(int64_t number, const void *type, uint32_t flags)');
const fsconfigCall = libc<[number, number, number, Bytes | null, Bytes | null, number]>('int64_t syscall(int64_t number, int fd, uint32_t command, const void *key, const void *value, int aux)');
const fsmountCall = libc<[number, number, number, number]>('int64_t syscall(int64_t number, int fd, uint32_t flags, uint32_t attributes)');
const mountSetattrCall = libc<[number, number, Bytes, number, Bytes, number]>('int64_t syscall(int64_t number, int directory, const void *path, uint32_t flags, const void *attributes, uint64_t size)');
const umountCall = libc<[Bytes, number]>('int umount2(const void *path, int flags)');
const statxCall = libc<[number, Bytes, number, number, Bytes]>('int statx(int directory, const void *path, int flags, uint32_t mask, void *result)');

// One number on every architecture.
const numbers = { openTree: 428, moveMount: 429, fsopen: 430, fsconfig: 431, fsmount: 432, mountSetattr: 442 };
const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
const OPEN_TREE_CLONE = 1;
const MOVE_MOUNT_F_EMPTY_PATH = 4;
const FSOPEN_CLOEXEC = 1;
const FSMOUNT_CLOEXEC = 1;
const FSCONFIG_SET_FLAG = 0;
const FSCONFIG_SET_STRING = 1;
const FSCONFIG_CMD_CREATE = 6;
const MOUNT_ATTR_NODEV = 4;
const MOUNT_ATTR_IDMAP = 0x100000;
const MS_PRIVATE = 1 << 18;
const MNT_DETACH = 2;
const UMOUNT_NOFOLLOW = 8;
const STATX_ATTR_MOUNT_ROOT = 0x2000;
const EINVAL = 22;
const ENOENT = 2;

const emptyPath = cString('');
const pathOf = (path: string): Buffer => cString(toByteString(path));

/** A copy of the mount at a path, not yet anywhere in the file tree; gone when its descriptor is closed. */
export function cloneMount(path: string): number {
  return checked(Number(openTreeCall(numbers.openTree, AT_FDCWD, pathOf(path), OPEN_TREE_CLONE | O_CLOEXEC)), 'open_tree', path);
}

/** A new file system, not yet anywhere in the file tree. Devices in it do not work. An option that has no value is `true`. */
export function newFilesystem(type: string, options: Record<string, string | true>): number {
  const context = checked(Number(fsopenCall(numbers.fsopen, cString(type), FSOPEN_CLOEXEC)), 'fsopen', type);
  try {
    for (const [key, value] of Object.entries(options)) {
      if (value === true) configure(context, FSCONFIG_SET_FLAG, key);
      else configure(context, FSCONFIG_SET_STRING, key, value);
    }
    configure(context, FSCONFIG_CMD_CREATE);
    return checked(Number(fsmountCall(numbers.fsmount, context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV)), 'fsmount', type);
  } finally {
    closeSync(context);
  }
}

function configure(context: number, command: number, key?: string, value?: string): void {
  const result = Number(fsconfigCall(numbers.fsconfig, context, command, key === undefined ? null : cString(key), value === undefined ? null : pathOf(value), 0));
  if (result !== -1) return;
  try {
    checked(result, 'fsconfig', key);
  } catch (error) {
    (error as Error).message += kernelMessages(context);
    throw error;
  }
}

/** What the kernel has to say about a refusal; it gives one message a read. */
function kernelMessages(context: number): string {
  const buffer = Buffer.alloc(4096);
  let messages = '';
  for (;;) {
    try {
      messages += `; ${buffer.toString('utf8', 2, readSync(context, buffer)).trim()}`;
    } catch {
      return messages; // ENODATA: that was all
    }
  }
}

/** Puts a mount into the file tree, unseen by other mount namespaces from then on. */
export function attachMount(mount: number, path: string): void {
  checked(Number(moveMountCall(numbers.moveMount, mount, emptyPath, AT_FDCWD, pathOf(path), MOVE_MOUNT_F_EMPTY_PATH)), 'move_mount', path);
  setAttributes(mount, { propagation: MS_PRIVATE });
}

/** So many ids of users, and of groups, a POD has, from 0 on. */
export const idsPerPod = 65_536;

/** Shows the ids 0..65535 of a mount's files as the ids from `base` on. */
export async function shiftMountIds(mount: number, base: number): Promise<void> {
  await using namespace = await userNamespace(base);
  setAttributes(mount, { set: MOUNT_ATTR_IDMAP, namespace: namespace.fd });
}

function setAttributes(mount: number, { set = 0, propagation = 0, namespace = 0 }): void {
  const attributes = Buffer.alloc(32);
  [set, 0, propagation, namespace].forEach((value, index) => attributes.writeBigUInt64LE(BigInt(value), index * 8));
  checked(Number(mountSetattrCall(numbers.mountSetattr, mount, emptyPath, AT_EMPTY_PATH, attributes, attributes.length)), 'mount_setattr');
}

/** A user namespace that maps 0..65535 to `base`: the kernel takes its map for a mount's. Needs a process for as long as it is being made. */
export async function userNamespace(base: number): Promise<AsyncDisposable & { fd: number }> {
  const child = start('unshare', ['--user', 'cat'], { stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = once(child, 'close');
  try {
    child.stdin!.write('ready');
    await Promise.race([once(child.stdout!, 'data'), ended.then(() => Promise.reject(new Error('unshare --user failed')))]);
    for (const map of ['uid_map', 'gid_map']) writeFileSync(`/proc/${child.pid}/${map}`, `0 ${base} ${idsPerPod}`);
    const fd = openSync(`/proc/${child.pid}/ns/user`, 'r');
    return { fd, [Symbol.asyncDispose]: async () => closeSync(fd) };
  } finally {
    child.stdin!.destroy(); // ends cat
    await ended.catch(() => {});
  }
}

/** Takes the topmost mount at a path away, also while it is in use; false when there is none. */
export function detachMount(path: string): boolean {
  if (umountCall(pathOf(path), MNT_DETACH | UMOUNT_NOFOLLOW) !== -1) return true;
  if ([EINVAL, ENOENT].includes(lastErrno())) return false;
  checked(-1, 'umount2', path);
  return false;
}

export function isMountPoint(path: string): boolean {
  const result = Buffer.alloc(256);
  if (statxCall(AT_FDCWD, pathOf(path), AT_SYMLINK_NOFOLLOW, 0, result) === -1) {
    if (lastErrno() === ENOENT) return false;
    checked(-1, 'statx', path);
  }
  return (result.readUInt32LE(8) & STATX_ATTR_MOUNT_ROOT) !== 0;
}
