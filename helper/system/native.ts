/**
 * Calls into libc, for the system calls that Node lacks.
 *
 * The only importer of koffi. Bindings are declared where they are used with `libc('int socketpair(…)')`; a failed call becomes an Error with the
 * system's name for it (`ENOENT`) through `checked`.
 */
import './unpack-koffi';
import koffi from 'koffi';
import { getSystemErrorName } from 'node:util';

const library = koffi.load(null);
const readErrno = koffi.errno;

/** Declares a libc function by its C prototype (koffi's syntax: `_Out_` marks arguments that are written). */
export function libc<Args extends unknown[]>(prototype: string): (...args: Args) => number {
  return library.func(prototype) as (...args: Args) => number;
}

/** Returns the result of a libc call; −1 becomes an Error that carries `code`, `syscall` and `path`. */
export function checked(result: number, syscall: string, path?: string): number {
  const errno = readErrno(); // before anything else: whatever runs in between (loading a module of Node's is enough) may change it
  if (result !== -1) return result;
  const code = getSystemErrorName(-errno);
  throw Object.assign(new Error(`${syscall}: ${code}${path === undefined ? '' : `: ${path}`}`), { code, syscall, path });
}

/** The error number of the last libc call on this thread. */
export function lastErrno(): number {
  return readErrno();
}

/** Where a buffer lies, for structures that hold pointers. The buffer must be kept alive, and made by `allocUnsafeSlow` (others may share memory). */
export function addressOf(buffer: Buffer): bigint {
  return BigInt(koffi.address(buffer));
}

/** The memory at an address, which must stay mapped for as long as anybody has the buffer. */
export function viewOf(address: number, sizeBytes: number): Buffer {
  return Buffer.from(koffi.view(BigInt(address), sizeBytes));
}
