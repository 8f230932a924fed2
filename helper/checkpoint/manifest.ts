/**
 * What a stored checkpoint consists of, part by part, signed by the host that it is on.
 *
 * Nothing is restored from a checkpoint whose parts differ from its manifest in name, size, order or content, or whose manifest is not the one that was
 * written here. The parts are encrypted, and so are the bytes that their sums are of: no key is needed to verify them.
 */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ZapError } from '../protocol/errors';
import { PodId, WrappedKey } from '../protocol/model';
import { readFileIfThere, writeFileAtomic } from '../system/atomic-file';
import { hostSigner, isSignedBy, type Signer } from './host-key';
import { sealedSize } from './sealed-part';

export const maxParts = 100_000;
const maxManifestBytes = 32 << 20;
const hex = (bytes: number): z.ZodString => z.string().regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`));
const bytes = z.number().int().nonnegative().max(2 ** 50);

export const Part = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,254}$/),
  /** Of the content; encrypted it is a little larger. */
  sizeBytes: bytes,
  /** Of the encrypted bytes. */
  sha256: hex(32),
});
export type Part = z.infer<typeof Part>;

const Init = z.strictObject({ pid: z.number().int(), startTicks: z.number() });

export const Manifest = z.strictObject({
  version: z.literal(2),
  podId: PodId,
  createdAt: z.string().max(40),
  criuVersion: z.string().max(40),
  /** The frozen POD's first process; tells a checkpoint of this run from an older one. */
  init: Init.nullable(),
  seal: z.strictObject({ algorithm: z.literal('aes-256-gcm'), salt: hex(32), keyCheck: hex(16), wrapped: WrappedKey }),
  parts: z.array(Part).max(maxParts),
  /** SHA-256 over all of the above. */
  whole: hex(32),
  /** Of the host that signed `whole`. */
  signer: hex(32),
  signature: hex(64),
});
export type Manifest = z.infer<typeof Manifest>;
type Facts = Omit<Manifest, 'version' | 'whole' | 'signer' | 'signature'>;

export const manifestName = 'manifest.json';
export const imagesName = 'images';

function wholeOf({ podId, createdAt, criuVersion, init, seal, parts }: Facts): string {
  const head = [2, podId, createdAt, criuVersion, init && [init.pid, init.startTicks], seal.algorithm, seal.salt, seal.keyCheck, seal.wrapped];
  const hash = createHash('sha256').update(`${JSON.stringify(head)}\n`);
  for (const part of parts) hash.update(`${part.name} ${part.sizeBytes} ${part.sha256}\n`);
  return hash.digest('hex');
}

export function writeManifest(checkpoint: string, facts: Facts, signer: Signer = hostSigner()): Manifest {
  const { podId, createdAt, criuVersion, init, seal, parts } = facts;
  const whole = wholeOf(facts);
  const manifest: Manifest = { version: 2, podId, createdAt, criuVersion, init, seal, parts, whole, signer: signer.publicKey, signature: signer.sign(Buffer.from(whole, 'hex')) };
  writeFileAtomic(join(checkpoint, manifestName), `${JSON.stringify(manifest, null, 1)}\n`);
  return manifest;
}

/** Binds the checkpoint to the processes that are about to live from it. */
export function updateManifestInit(checkpoint: string, init: NonNullable<Manifest['init']>, signer: Signer = hostSigner()): void {
  writeManifest(checkpoint, { ...verifyManifest(checkpoint, undefined, signer), init }, signer);
}

export function readManifest(checkpoint: string): Manifest | undefined {
  const path = join(checkpoint, manifestName);
  if ((lstatSync(path, { throwIfNoEntry: false })?.size ?? 0) > maxManifestBytes) throw damaged(manifestName, 'it is too large');
  const text = readFileIfThere(path);
  if (text === undefined) return undefined;
  let parsed;
  try {
    parsed = Manifest.safeParse(JSON.parse(text));
  } catch (cause) {
    throw damaged(manifestName, 'it is not readable', cause);
  }
  if (!parsed.success) throw damaged(manifestName, 'it has another form than this helper writes', parsed.error);
  return parsed.data;
}

/** The manifest, if it is for this POD, whole, and signed: by this host, or on arrival by the one that it says it is from. */
export function verifyManifest(checkpoint: string, podId: string | undefined, from: Signer | 'whoever-signed' = hostSigner()): Manifest {
  const manifest = readManifest(checkpoint);
  if (!manifest) throw damaged(manifestName, 'it is missing');
  if (podId !== undefined && manifest.podId !== podId) throw damaged(manifestName, 'it belongs to another POD');
  if (wholeOf(manifest) !== manifest.whole) throw damaged(manifestName, 'its sum does not fit what it says');
  if (from !== 'whoever-signed' && manifest.signer !== from.publicKey) throw damaged(manifestName, 'it was not signed by this host');
  if (!isSignedBy(manifest.signer, Buffer.from(manifest.whole, 'hex'), manifest.signature)) throw damaged(manifestName, 'its signature is wrong');
  if (new Set(manifest.parts.map(({ name }) => name)).size !== manifest.parts.length) throw damaged(manifestName, 'it names a part twice');
  return manifest;
}

/** Whether exactly the parts of the manifest are there, in their sizes; the error names the first that is not. Their content is for whoever reads it. */
export function requireParts(checkpoint: string, manifest: Manifest): void {
  const images = join(checkpoint, imagesName);
  const there = new Set(readdirSync(images));
  for (const part of manifest.parts) {
    if (!there.delete(part.name)) throw damaged(part.name, 'it is missing');
    const stat = lstatSync(join(images, part.name));
    if (!stat.isFile()) throw damaged(part.name, 'it is no file');
    if (stat.size !== sealedSize(part.sizeBytes)) throw damaged(part.name, `it has ${stat.size} bytes instead of ${sealedSize(part.sizeBytes)}`);
  }
  const [added] = there;
  if (added !== undefined) throw damaged(added, 'it was not in the checkpoint');
}

export function sizeOf(manifest: Manifest): number {
  return manifest.parts.reduce((sum, part) => sum + part.sizeBytes, 0);
}

export function damaged(part: string, how: string, cause?: unknown): ZapError {
  return new ZapError('checkpoint/damaged', `The checkpoint cannot be used: part "${part}" is damaged, ${how}.`, { hint: 'Nothing was touched. Bring the part back from a backup, or delete the POD.', data: { part }, cause });
}
