/**
 * What an archive says about one file.
 *
 * Paths, link targets and attribute names are byte strings (see system/paths). The receiver trusts nothing of it: `parseEntry` refuses whatever
 * could name a place outside of the tree, and the kernel refuses it again when the path is opened.
 */
import { z } from 'zod';
import { ZapError } from '../protocol/errors';
import { toReadable } from '../system/paths';

const uint32 = z.number().int().min(0).max(0xffff_fffe);
const byteString = z.string().max(4096).regex(/^[\u0001-\u00ff]*$/);

const attributes = {
  path: byteString,
  mode: z.number().int().min(0).max(0o7777),
  uid: uint32,
  gid: uint32,
  /** Modification time: seconds and nanoseconds. */
  time: z.tuple([z.number().int(), z.number().int().min(0).max(999_999_999)]),
  /** Values in base64. */
  xattrs: z.record(byteString, z.base64()).optional(),
};

export const Entry = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('directory'), ...attributes }),
  z.strictObject({ type: z.literal('file'), ...attributes }),
  z.strictObject({ type: z.literal('symlink'), ...attributes, target: byteString.min(1) }),
  z.strictObject({ type: z.literal('fifo'), ...attributes }),
  z.strictObject({ type: z.literal('character'), ...attributes, device: z.tuple([uint32, uint32]) }),
  z.strictObject({ type: z.literal('block'), ...attributes, device: z.tuple([uint32, uint32]) }),
  z.strictObject({ type: z.literal('hardlink'), path: byteString, target: byteString }),
  z.strictObject({ type: z.literal('removed'), path: byteString }),
]);
export type Entry = z.infer<typeof Entry>;
/** An entry with an owner, a mode and attributes of its own. */
export type NodeEntry = Exclude<Entry, { type: 'hardlink' | 'removed' }>;

export function unsafeArchive(reason: string, path: string, cause?: unknown): ZapError {
  return new ZapError('checkpoint/unsafe-archive', `The archive was refused: ${reason}: ${JSON.stringify(toReadable(path))}.`, {
    hint: 'Do not trust the host that it came from.',
    data: { path: toReadable(path), reason },
    cause,
  });
}

export function parseEntry(json: Buffer): Entry {
  let value: unknown;
  try {
    value = JSON.parse(json.toString());
  } catch (error) {
    throw unsafeArchive('a header is not readable', json.subarray(0, 100).toString('latin1'), error);
  }
  const parsed = Entry.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw unsafeArchive(`a header is not valid (${issue?.path.join('.')}: ${issue?.message})`, json.subarray(0, 200).toString('latin1'));
  }
  const entry = parsed.data;
  checkPath(entry.path, entry.type === 'directory');
  if (entry.type === 'hardlink') {
    checkPath(entry.target, false);
    if (`${entry.target}/`.startsWith(`${entry.path}/`)) throw unsafeArchive('a hard link that replaces its own target', entry.path);
  }
  return entry;
}

/** Refuses a path that does not lead plainly to a place below a root. */
export function parsePath(path: string): string {
  if (path.includes('\0')) throw unsafeArchive('a NUL in a path', path);
  checkPath(path, false);
  return path;
}

/** The empty path is the root itself. */
function checkPath(path: string, mayBeRoot: boolean): void {
  if (path === '') {
    if (mayBeRoot) return;
    throw unsafeArchive('it replaces the root', path);
  }
  if (path.startsWith('/')) throw unsafeArchive('an absolute path', path);
  for (const part of path.split('/')) {
    if (part === '..') throw unsafeArchive('a path leads outside', path);
    if (part === '' || part === '.') throw unsafeArchive('a path is not in plain form', path);
    if (part.length > 255) throw unsafeArchive('a name is too long', path);
  }
}

/** A path as its directory and the name in it. */
export function splitPath(path: string): [parent: string, name: string] {
  const slash = path.lastIndexOf('/');
  return slash === -1 ? ['', path] : [path.slice(0, slash), path.slice(slash + 1)];
}

export function joinPath(parent: string, name: string): string {
  return parent === '' ? name : `${parent}/${name}`;
}
