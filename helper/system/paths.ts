/**
 * File calls relative to a directory descriptor, for names that are any bytes.
 *
 * Linux file names are bytes, not text: here they are strings with one character per byte (latin1), so that a name that is not UTF-8 survives. Every
 * call names one component below a directory that is held open, so nobody can swap a symbolic link into the way.
 */
import { checked, lastErrno, libc } from './native';
import { decodeStat, statBuffer, type FileStat } from './stat';

type Bytes = Uint8Array;
const openatCall = libc<[number, Bytes, number, number]>('int openat(int directory, const void *path, int flags, uint32_t mode)');
const openat2Call = libc<[number, number, Bytes, Bytes, number]>('int64_t syscall(int64_t number, int directory, const void *path, const void *how, uint64_t size)');
const statxCall = libc<[number, Bytes, number, number, Bytes]>('int statx(int directory, const void *path, int flags, uint32_t mask, void *result)');
const getdentsCall = libc<[number, Bytes, number]>('int64_t getdents64(int fd, void *entries, uint64_t size)');
const mkdiratCall = libc<[number, Bytes, number]>('int mkdirat(int directory, const void *path, uint32_t mode)');
const mknodatCall = libc<[number, Bytes, number, bigint]>('int mknodat(int directory, const void *path, uint32_t mode, uint64_t device)');
const linkatCall = libc<[number, Bytes, number, Bytes, number]>('int linkat(int fromDirectory, const void *from, int toDirectory, const void *to, int flags)');
const symlinkatCall = libc<[Bytes, number, Bytes]>('int symlinkat(const void *target, int directory, const void *path)');
const readlinkatCall = libc<[number, Bytes, Bytes, number]>('int64_t readlinkat(int directory, const void *path, void *target, uint64_t size)');
const unlinkatCall = libc<[number, Bytes, number]>('int unlinkat(int directory, const void *path, int flags)');
const fchownatCall = libc<[number, Bytes, number, number, number]>('int fchownat(int directory, const void *path, uint32_t uid, uint32_t gid, int flags)');
const fchmodatCall = libc<[number, Bytes, number, number]>('int fchmodat(int directory, const void *path, uint32_t mode, int flags)');
const utimensatCall = libc<[number, Bytes, Bytes, number]>('int utimensat(int directory, const void *path, const void *times, int flags)');
const lseekCall = libc<[number, number, number]>('int64_t lseek(int fd, int64_t offset, int whence)');

export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_NONBLOCK = 0o4000;
export const O_NOATIME = 0o1000000;
export const O_CLOEXEC = 0o2000000;
export const O_PATH = 0o10000000;
// These two are numbered otherwise on ARM than on x86.
export const O_DIRECTORY = process.arch === 'arm64' ? 0o40000 : 0o200000;
export const O_NOFOLLOW = process.arch === 'arm64' ? 0o100000 : 0o400000;

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_REMOVEDIR = 0x200;
const AT_EMPTY_PATH = 0x1000;
const STATX_BASIC_STATS = 0x7ff;
const OPENAT2 = 437;
const RESOLVE_NO_MAGICLINKS = 2;
const RESOLVE_NO_SYMLINKS = 4;
const RESOLVE_BENEATH = 8;
const RESOLVE_IN_ROOT = 16;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const ENOENT = 2;
const ENXIO = 6;

/** The bytes of an ordinary JavaScript string as a byte string. */
export function toByteString(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** A byte string as a person reads it. */
export function toReadable(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString();
}

/** A byte string as C wants it, with its closing NUL. */
export function cString(bytes: string): Buffer {
  const result = Buffer.allocUnsafe(bytes.length + 1);
  result.write(bytes, 'latin1');
  result[bytes.length] = 0;
  return result;
}

const emptyPath = cString('');

/** Opens a directory by its ordinary path, as the anchor of the calls below. */
export function openRoot(path: string): number {
  return checked(openatCall(AT_FDCWD, cString(toByteString(path)), O_DIRECTORY | O_CLOEXEC, 0), 'open', path);
}

/** Opens one name in a directory; never follows a symbolic link. */
export function openAt(directory: number, name: string, flags: number, mode = 0): number {
  return checked(openatCall(directory, cString(name), flags | O_NOFOLLOW | O_CLOEXEC, mode), 'openat', toReadable(name));
}

/** Opens a path that must not leave the directory nor pass through any symbolic link: the kernel refuses it, whatever happens meanwhile. */
export function openBeneath(directory: number, path: string, flags: number): number {
  return openResolved(directory, path === '' ? '.' : path, flags, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

/** Opens a path as a program that has the directory for its root would: symbolic links are followed, and cannot lead outside. */
export function openInRoot(directory: number, path: string, flags: number): number {
  return openResolved(directory, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

function openResolved(directory: number, path: string, flags: number, resolve: number): number {
  const how = Buffer.alloc(24);
  how.writeBigUInt64LE(BigInt(flags | O_CLOEXEC), 0);
  how.writeBigUInt64LE(BigInt(resolve), 16);
  return checked(openat2Call(OPENAT2, directory, cString(path), how, how.length), 'openat2', toReadable(path));
}

/** What is known of a name; nothing when there is no such name. */
export function statAt(directory: number, name: string | Bytes): FileStat | undefined {
  const path = typeof name === 'string' ? cString(name) : name;
  if (statxCall(directory, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, statBuffer) === -1) {
    if (lastErrno() === ENOENT) return undefined;
    checked(-1, 'statx', Buffer.from(path).toString());
  }
  return decodeStat();
}

export function statFd(fd: number): FileStat {
  checked(statxCall(fd, emptyPath, AT_EMPTY_PATH, STATX_BASIC_STATS, statBuffer), 'statx');
  return decodeStat();
}

const directoryEntries = Buffer.allocUnsafeSlow(64 * 1024);

/** The names in an open directory with what is known of each, in batches of some milliseconds' work; those that vanish meanwhile are left out. */
export function* readDirectory(fd: number): Generator<{ name: string; stat: FileStat }[]> {
  for (;;) {
    const size = Number(getdentsCall(fd, directoryEntries, directoryEntries.length));
    if (size === 0 || (size === -1 && lastErrno() === ENOENT)) return; // at its end, or removed while it is open
    checked(size, 'getdents64');
    const batch: { name: string; stat: FileStat }[] = [];
    for (let offset = 0; offset < size; offset += directoryEntries.readUInt16LE(offset + 16)) {
      const start = offset + 19;
      const end = directoryEntries.indexOf(0, start);
      const name = directoryEntries.toString('latin1', start, end);
      if (name === '.' || name === '..') continue;
      const stat = statAt(fd, directoryEntries.subarray(start, end + 1));
      if (stat) batch.push({ name, stat });
    }
    yield batch;
  }
}

export function makeDirectoryAt(directory: number, name: string, mode: number): void {
  checked(mkdiratCall(directory, cString(name), mode), 'mkdirat', toReadable(name));
}

/** Makes a fifo or device; `mode` carries the type bits. */
export function makeNodeAt(directory: number, name: string, mode: number, major: number, minor: number): void {
  const [high, low] = [BigInt(major), BigInt(minor)];
  const device = ((high & 0xfffff000n) << 32n) | ((high & 0xfffn) << 8n) | ((low & 0xffffff00n) << 12n) | (low & 0xffn);
  checked(mknodatCall(directory, cString(name), mode, device), 'mknodat', toReadable(name));
}

export function linkAt(fromDirectory: number, from: string, toDirectory: number, to: string): void {
  checked(linkatCall(fromDirectory, cString(from), toDirectory, cString(to), 0), 'linkat', toReadable(from));
}

export function symlinkAt(target: string, directory: number, name: string): void {
  checked(symlinkatCall(cString(target), directory, cString(name)), 'symlinkat', toReadable(name));
}

const linkTarget = Buffer.allocUnsafeSlow(4096);

export function readLinkAt(directory: number, name: string): string {
  const size = checked(Number(readlinkatCall(directory, cString(name), linkTarget, linkTarget.length)), 'readlinkat', toReadable(name));
  return linkTarget.toString('latin1', 0, size);
}

export function unlinkAt(directory: number, name: string): void {
  checked(unlinkatCall(directory, cString(name), 0), 'unlinkat', toReadable(name));
}

export function removeDirectoryAt(directory: number, name: string): void {
  checked(unlinkatCall(directory, cString(name), AT_REMOVEDIR), 'rmdir', toReadable(name));
}

export function chownAt(directory: number, name: string, uid: number, gid: number): void {
  const flags = name === '' ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW;
  checked(fchownatCall(directory, cString(name), uid, gid, flags), 'fchownat', toReadable(name));
}

/** Follows symbolic links, which have no mode of their own: only for names known to be none. */
export function chmodAt(directory: number, name: string, mode: number): void {
  checked(fchmodatCall(directory, cString(name === '' ? '.' : name), mode, 0), 'fchmodat', toReadable(name));
}

/** Sets the modification time; the access time is left alone. */
export function setTimeAt(directory: number, name: string, seconds: number, nanoseconds: number): void {
  const times = Buffer.alloc(32);
  times.writeBigInt64LE(0x3ffffffen, 8); // UTIME_OMIT
  times.writeBigInt64LE(BigInt(seconds), 16);
  times.writeBigInt64LE(BigInt(nanoseconds), 24);
  checked(utimensatCall(directory, cString(name === '' ? '.' : name), times, AT_SYMLINK_NOFOLLOW), 'utimensat', toReadable(name));
}

/** The next stretch of data at or after `offset`; nothing when only a hole is left. */
export function nextData(fd: number, offset: number): { start: number; end: number } | undefined {
  const start = Number(lseekCall(fd, offset, SEEK_DATA));
  if (start === -1) {
    if (lastErrno() === ENXIO) return undefined;
    checked(-1, 'lseek');
  }
  return { start, end: checked(Number(lseekCall(fd, start, SEEK_HOLE)), 'lseek') };
}

/** A path for the calls that take no directory descriptor; the kernel goes straight to the open directory, then takes the one name. */
export function procPath(directory: number, name: string): Buffer {
  return cString(name === '' ? `/proc/self/fd/${directory}/.` : `/proc/self/fd/${directory}/${name}`);
}
