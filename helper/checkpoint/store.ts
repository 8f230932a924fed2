/**
 * Checkpoints on disk: written from the images in memory, and read back there. On disk there is never a plain byte of a POD's memory.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReadObserver } from '../files/archive-read';
import type { Entry } from '../files/entry';
import { ZapError } from '../protocol/errors';
import type { Seal } from '../protocol/model';
import { makeDirectories } from '../system/directories';
import { toReadable } from '../system/paths';
import { hostSigner, type Signer } from './host-key';
import { damaged, imagesName, manifestName, requireParts, verifyManifest, writeManifest, type Manifest } from './manifest';
import { contentKey, keyCheck, openFile, sealFile } from './sealed-part';

export interface StoreOptions {
  podId: string;
  criuVersion: string;
  init: Manifest['init'];
  seal: Seal;
  signer?: Signer;
  signal?: AbortSignal;
}

/** Encrypts `images` into `checkpoint`; when this returns, it is on the disk. */
export async function storeCheckpoint(images: string, checkpoint: string, options: StoreOptions): Promise<Manifest> {
  const { podId, criuVersion, init, seal } = options;
  rmSync(checkpoint, { recursive: true, force: true });
  makeDirectories(join(checkpoint, imagesName), 0o700);
  const salt = randomBytes(32);
  const key = contentKey(seal.key, salt);
  const parts: Manifest['parts'] = [];
  for (const name of readdirSync(images).sort()) {
    options.signal?.throwIfAborted();
    const { sizeBytes, sha256 } = await sealFile(key, { index: parts.length, name }, join(images, name), join(checkpoint, imagesName, name));
    parts.push({ name, sizeBytes, sha256 });
  }
  const sealed = { algorithm: 'aes-256-gcm' as const, salt: salt.toString('hex'), keyCheck: keyCheck(key), wrapped: seal.wrapped };
  await syncParts(checkpoint, parts);
  return writeManifest(checkpoint, { podId, createdAt: new Date().toISOString(), criuVersion, init, seal: sealed, parts }, options.signer);
}

/** Onto the disk, these files and no others: a whole file system may have much to write that is not ours. All at once, so that they share its commits. */
export async function syncParts(checkpoint: string, parts: Manifest['parts']): Promise<void> {
  const images = join(checkpoint, imagesName);
  await Promise.all([...parts.map(({ name }) => join(images, name)), images, checkpoint].map(async (path) => {
    await using file = await open(path, 'r');
    await file.sync();
  }));
}

export interface OpenOptions {
  podId: string;
  key: string | undefined;
  signer?: Signer;
  signal?: AbortSignal;
}

/** Verifies all of a checkpoint and decrypts it into `images`, an empty directory in memory. Each byte is read once. */
export async function openCheckpoint(checkpoint: string, images: string, options: OpenOptions): Promise<Manifest> {
  const manifest = verifyManifest(checkpoint, options.podId, options.signer ?? hostSigner());
  requireParts(checkpoint, manifest);
  if (options.key === undefined) throw new ZapError('checkpoint/key-needed', 'The checkpoint is encrypted, and its key was not given.', { hint: 'Use a version of Zap that knows encrypted checkpoints.' });
  const key = contentKey(options.key, Buffer.from(manifest.seal.salt, 'hex'));
  if (keyCheck(key) !== manifest.seal.keyCheck) throw new ZapError('checkpoint/wrong-key', 'The checkpoint is encrypted with another key.', { hint: 'It opens with the ZAP_HOME, or the passphrase, that it was suspended with.' });
  for (const [index, part] of manifest.parts.entries()) {
    options.signal?.throwIfAborted();
    const { isAuthentic, sha256 } = await openFile(key, { index, ...part }, join(checkpoint, imagesName, part.name), join(images, part.name));
    if (!isAuthentic || sha256 !== part.sha256) throw damaged(part.name, 'its content was altered');
  }
  return manifest;
}

/** Sums of a checkpoint's files while they arrive, so that nothing is read again. */
export class ArrivingSums implements ReadObserver {
  readonly sums = new Map<string, string>();
  private file: { path: string; hash: ReturnType<typeof createHash>; sizeBytes: number; isWhole: boolean } | undefined;

  entry(entry: Entry): void {
    const isExpected = entry.type === 'directory' ? ['', imagesName].includes(entry.path) : entry.type === 'file' && (entry.path === manifestName || entry.path.startsWith(`${imagesName}/`));
    if (!isExpected) throw damaged(toReadable(entry.path), 'it does not belong into a checkpoint');
    this.file = { path: entry.path, hash: createHash('sha256'), sizeBytes: 0, isWhole: true };
  }

  data(bytes: Buffer, offset: number): void {
    if (!this.file) return;
    if (offset !== this.file.sizeBytes) this.file.isWhole = false; // a hole, or an overlap: encrypted bytes have neither
    this.file.hash.update(bytes);
    this.file.sizeBytes += bytes.length;
  }

  endFile(sizeBytes: number): void {
    if (this.file?.isWhole && this.file.sizeBytes === sizeBytes) this.sums.set(this.file.path, this.file.hash.digest('hex'));
  }
}

/** Takes over a checkpoint that another host has sent: all of it is verified, and signed anew. No key is needed for that. */
export function adoptCheckpoint(checkpoint: string, podId: string, { sums }: ArrivingSums, signer?: Signer): Manifest {
  const manifest = verifyManifest(checkpoint, podId, 'whoever-signed');
  requireParts(checkpoint, manifest);
  for (const part of manifest.parts) if (sums.get(`${imagesName}/${part.name}`) !== part.sha256) throw damaged(part.name, 'its content was altered');
  return writeManifest(checkpoint, { ...manifest, init: null }, signer);
}
