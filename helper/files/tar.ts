/**
 * Members of a tar archive: ustar, GNU's long names, POSIX.1-2001 (pax) with extended attributes as star and GNU tar write them.
 *
 * Names and attribute values are kept as bytes, which the libraries on npm do not: they decode them as text.
 */
import { ZapError } from '../protocol/errors';
import type { ByteReader } from './byte-reader';

export interface TarMember {
  type: 'file' | 'directory' | 'symlink' | 'hardlink' | 'fifo' | 'device';
  /** Byte string, as the archive has it. */
  path: string;
  linkTarget: string;
  mode: number;
  uid: number;
  gid: number;
  time: [seconds: number, nanoseconds: number];
  sizeBytes: number;
  /** Values in base64. */
  xattrs: Record<string, string>;
}

const types: Record<string, TarMember['type']> = { '0': 'file', '\0': 'file', '7': 'file', '1': 'hardlink', '2': 'symlink', '3': 'device', '4': 'device', '5': 'directory', '6': 'fifo' };
const blockBytes = 512;
const maxExtensionBytes = 8 * 1024 * 1024;
const xattrPrefix = 'SCHILY.xattr.';

/** The next member, with the reader left at its content; nothing at the end of the archive. */
export async function readTarMember(input: ByteReader): Promise<TarMember | undefined> {
  let extensions = new Map<string, string>();
  for (;;) {
    if (await input.isAtEnd()) return undefined;
    const header = await input.take(blockBytes);
    if (header.every((byte) => byte === 0)) return undefined;
    requireChecksum(header);
    const kind = String.fromCharCode(header[156]!);
    if (kind === 'x') extensions = new Map([...extensions, ...parsePax(await extension(input, header))]);
    else if (kind === 'g') await extension(input, header);
    else if (kind === 'L') extensions.set('path', untilNul(await extension(input, header)));
    else if (kind === 'K') extensions.set('linkpath', untilNul(await extension(input, header)));
    else return member(header, kind, extensions);
  }
}

function member(header: Buffer, kind: string, extensions: Map<string, string>): TarMember {
  const text = (start: number, length: number): string => untilNul(header.subarray(start, start + length));
  const prefix = text(257, 5) === 'ustar' && header[262] === 0 ? text(345, 155) : '';
  const path = extensions.get('path') ?? (prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`);
  const type = path.endsWith('/') && types[kind] === 'file' ? 'directory' : types[kind];
  if (!type || [...extensions.keys()].some((key) => key.startsWith('GNU.sparse'))) {
    throw notTar(`it holds a kind of file that is not supported (${JSON.stringify(kind)}), such as a sparse file`, 'Make the archive without --sparse.');
  }
  const number = (key: string, start: number, length: number): number => (extensions.has(key) ? Math.floor(Number(extensions.get(key))) : octal(header.subarray(start, start + length)));
  const xattrs = [...extensions].flatMap(([key, value]) => (key.startsWith(xattrPrefix) ? [[key.slice(xattrPrefix.length), Buffer.from(value, 'latin1').toString('base64')]] : []));
  return {
    type,
    path,
    linkTarget: extensions.get('linkpath') ?? text(157, 100),
    mode: octal(header.subarray(100, 108)),
    uid: number('uid', 108, 8),
    gid: number('gid', 116, 8),
    time: time(extensions.get('mtime'), octal(header.subarray(136, 148))),
    sizeBytes: type === 'file' ? number('size', 124, 12) : 0,
    xattrs: Object.fromEntries(xattrs) as Record<string, string>,
  };
}

/** Records of the form `length key=value\n`, the length being that of the whole record; values are bytes. */
function parsePax(content: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let offset = 0; offset < content.length; ) {
    const space = content.indexOf(0x20, offset);
    const length = Number(content.toString('latin1', offset, space));
    const equals = content.indexOf(0x3d, space);
    if (space === -1 || equals === -1 || !Number.isInteger(length) || length <= equals - offset || offset + length > content.length) throw notTar('an extended header is damaged');
    records.set(content.toString('latin1', space + 1, equals), content.toString('latin1', equals + 1, offset + length - 1));
    offset += length;
  }
  return records;
}

async function extension(input: ByteReader, header: Buffer): Promise<Buffer> {
  const size = octal(header.subarray(124, 136));
  if (size > maxExtensionBytes) throw notTar('an extended header is too large');
  const content = await input.take(size);
  await input.skip(-size & (blockBytes - 1));
  return content;
}

/** Octal digits; GNU writes numbers that do not fit in binary, marked by the top bit. */
function octal(field: Buffer): number {
  if ((field[0]! & 0x80) !== 0) {
    const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, field[0]! & 0x7f);
    if (!Number.isSafeInteger(value)) throw notTar('a number is too large');
    return value;
  }
  const digits = untilNul(field).trim();
  if (!/^[0-7]*$/.test(digits)) throw notTar('a number is not readable');
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

function time(exact: string | undefined, seconds: number): [number, number] {
  if (exact === undefined || !/^-?\d+(?:\.\d+)?$/.test(exact)) return [seconds, 0];
  const whole = Math.floor(Number(exact));
  const fraction = /\.(\d+)/.exec(exact)?.[1];
  return [whole, exact.startsWith('-') || fraction === undefined ? 0 : Number(fraction.padEnd(9, '0').slice(0, 9))];
}

function requireChecksum(header: Buffer): void {
  const stated = octal(header.subarray(148, 156));
  const sum = header.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 0x20 : byte), 0);
  if (sum !== stated) throw notTar('a header is damaged, or it is no tar archive');
}

function untilNul(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('latin1', 0, end === -1 ? bytes.length : end);
}

function notTar(reason: string, hint = 'Give a tar archive of a root file system, plain or compressed with gzip or zstd.'): ZapError {
  return new ZapError('environment/not-a-tar', `The archive cannot be read: ${reason}.`, { hint, data: { reason } });
}
