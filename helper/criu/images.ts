/**
 * CRIU's image files: what they are made of, how large they are, and the two that a clone needs changed.
 *
 * An image is one or two magic numbers (which kind of file, which image), then entries of a length and a protobuf message each.
 */
import { chmodSync, chownSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ZapError } from '../protocol/errors';
import { decode, encode } from './messages';

export const imageMagic = { common: 0x54564319, service: 0x55105940, userns: 0x55474906, utsns: 0x54473203, irmapCache: 0x57004059, files: 0x56303138, segments: 0x46283044, stats: 0x57093306 } as const;

export interface Image {
  /** The first number: `imageMagic.common` for what a restore reads, `imageMagic.service` for CRIU's own notes. */
  family: number;
  kind: number;
  entries: Buffer[];
}

export function readImage(bytes: Buffer): Image {
  if (bytes.length < 8) throw new ZapError('criu/image-unreadable', 'A CRIU image is shorter than its own head.', { data: { sizeBytes: bytes.length } });
  const family = bytes.readUInt32LE(0);
  if (family !== imageMagic.common && family !== imageMagic.service) {
    throw new ZapError('criu/image-unreadable', 'A file is not a CRIU image.', { data: { magic: family.toString(16) } });
  }
  const entries: Buffer[] = [];
  for (let at = 8; at < bytes.length; ) {
    const end = at + 4 <= bytes.length ? at + 4 + bytes.readUInt32LE(at) : Infinity;
    if (end > bytes.length) throw new ZapError('criu/image-unreadable', 'A CRIU image is cut off.', { data: { offset: at, sizeBytes: bytes.length } });
    entries.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return { family, kind: bytes.readUInt32LE(4), entries };
}

export function writeImage(image: { family: number; kind: number; entries: readonly Uint8Array[] }): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(image.family, 0);
  head.writeUInt32LE(image.kind, 4);
  const parts: Uint8Array[] = [head];
  for (const entry of image.entries) {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(entry.length);
    parts.push(length, entry);
  }
  return Buffer.concat(parts);
}

export interface ImagesSize {
  files: { name: string; sizeBytes: number }[];
  totalBytes: number;
}

export function listImages(directory: string): ImagesSize {
  const files = readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => ({ name: entry.name, sizeBytes: statSync(join(directory, entry.name)).size }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return { files, totalBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0) };
}

/**
 * Lets the POD's root, and no other user of this host, find its images: restored tasks open them with the POD's ids.
 *
 * CRIU makes image files readable for all, so the directory is what keeps a POD's memory private.
 */
export function openToPod(directory: string): void {
  const name = readdirSync(directory).find((candidate) => candidate.startsWith('userns-'));
  const [entry] = name === undefined ? [] : readImage(readFileSync(join(directory, name))).entries;
  const groupOfRoot = entry && decode('UserNamespace', entry).gidMap.find((extent) => extent.first === 0)?.lowerFirst;
  chownSync(directory, 0, groupOfRoot ?? 0);
  chmodSync(directory, 0o710);
}

export interface CloneIdentity {
  /** First host id that the copy's ids 0… are mapped to; the extents keep their sizes and gaps. */
  hostIdBase?: number;
  hostName?: string;
}

/** Gives a checkpoint another range of host ids, another host name. Each file changes in one step or not at all. */
export function rewriteForClone(directory: string, identity: CloneIdentity): void {
  const { hostIdBase, hostName } = identity;
  if (hostIdBase !== undefined) {
    rewrite(directory, 'userns-', imageMagic.userns, (entry) => {
      const maps = decode('UserNamespace', entry);
      const lowest = Math.min(...[...maps.uidMap, ...maps.gidMap].map((extent) => extent.lowerFirst));
      const shifted = (extents: typeof maps.uidMap) => extents.map((extent) => ({ ...extent, lowerFirst: extent.lowerFirst - lowest + hostIdBase }));
      return encode('UserNamespace', { uidMap: shifted(maps.uidMap), gidMap: shifted(maps.gidMap) });
    });
  }
  if (hostName !== undefined) {
    rewrite(directory, 'utsns-', imageMagic.utsns, (entry) => encode('UtsNamespace', { ...decode('UtsNamespace', entry), nodeName: hostName }));
  }
}

function rewrite(directory: string, prefix: string, kind: number, change: (entry: Buffer) => Uint8Array): void {
  const names = readdirSync(directory).filter((name) => name.startsWith(prefix) && name.endsWith('.img'));
  if (names.length === 0) {
    throw new ZapError('criu/image-missing', `The checkpoint has no ${prefix}*.img: its processes had no such namespace of their own.`, { data: { directory } });
  }
  for (const name of names) {
    const path = join(directory, name);
    const image = readImage(readFileSync(path));
    if (image.kind !== kind) throw new ZapError('criu/image-unreadable', `${name} is not the image that its name says.`, { data: { path, magic: image.kind.toString(16) } });
    replaceImage(path, { ...image, entries: image.entries.map(change) });
  }
}

export function replaceImage(path: string, image: { family: number; kind: number; entries: readonly Uint8Array[] }): void {
  // Restored tasks open images themselves, with the POD's ids: what they may not read stops the restore.
  writeFileSync(`${path}.new`, writeImage(image), { mode: 0o600 });
  chmodSync(`${path}.new`, statSync(path).mode);
  renameSync(`${path}.new`, path);
}
