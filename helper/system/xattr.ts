/** Extended attributes, of symbolic links and devices too. */
import { checked, lastErrno, libc } from './native';
import { cString, procPath, toReadable } from './paths';

type Bytes = Uint8Array;
const listCall = libc<[Bytes, Bytes, number]>('int64_t llistxattr(const void *path, void *list, uint64_t size)');
const getCall = libc<[Bytes, Bytes, Bytes, number]>('int64_t lgetxattr(const void *path, const void *name, void *value, uint64_t size)');
const setCall = libc<[Bytes, Bytes, Bytes, number, number]>('int lsetxattr(const void *path, const void *name, const void *value, uint64_t size, int flags)');
const removeCall = libc<[Bytes, Bytes]>('int lremovexattr(const void *path, const void *name)');

const ENOENT = 2;
const ENODATA = 61;
const ENOTSUP = 95;
/** The kernel's own limit for a list and for a value. */
const scratch = Buffer.allocUnsafeSlow(64 * 1024);

/** The attribute names of a file in a directory; none where the file is gone or the file system has no attributes. */
export function listXattrs(directory: number, name: string): string[] {
  const size = Number(listCall(procPath(directory, name), scratch, scratch.length));
  if (size === -1) {
    if ([ENOENT, ENOTSUP].includes(lastErrno())) return [];
    checked(-1, 'llistxattr', toReadable(name));
  }
  return size === 0 ? [] : scratch.toString('latin1', 0, size - 1).split('\0');
}

/** Labels and measurements of the host itself: they mean nothing elsewhere. */
const hostAttributes = new Set(['security.selinux', 'security.ima', 'security.evm']);

/** The attributes that belong to the file wherever it is. */
export function portableXattrs(directory: number, name: string): string[] {
  return listXattrs(directory, name).filter((attribute) => !hostAttributes.has(attribute));
}

export function getXattr(directory: number, name: string, attribute: string): Buffer | undefined {
  const size = Number(getCall(procPath(directory, name), cString(attribute), scratch, scratch.length));
  if (size === -1) {
    if ([ENOENT, ENODATA, ENOTSUP].includes(lastErrno())) return undefined;
    checked(-1, 'lgetxattr', toReadable(name));
  }
  return Buffer.from(scratch.subarray(0, size));
}

export function setXattr(directory: number, name: string, attribute: string, value: Buffer): void {
  checked(setCall(procPath(directory, name), cString(attribute), value, value.length, 0), `lsetxattr ${attribute}`, toReadable(name));
}

export function removeXattr(directory: number, name: string, attribute: string): void {
  checked(removeCall(procPath(directory, name), cString(attribute)), `lremovexattr ${attribute}`, toReadable(name));
}
