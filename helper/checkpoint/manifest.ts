/**
 * What a stored checkpoint consists of, part by part.
 *
 * Nothing is restored from a checkpoint whose parts differ from its manifest in name, size or content.
 */
import { createHash } from 'node:crypto';
import { createReadStream, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ZapError } from '../protocol/errors';
import { readFileIfThere, writeFileAtomic } from '../system/atomic-file';

const Part = z.strictObject({ name: z.string().regex(/^[A-Za-z0-9._-]+$/), sizeBytes: z.number().int().nonnegative(), sha256: z.string().regex(/^[0-9a-f]{64}$/) });

export const Manifest = z.strictObject({
  version: z.literal(1),
  podId: z.string(),
  createdAt: z.string(),
  criuVersion: z.string(),
  /** The frozen POD's first process; tells a checkpoint of this run from an older one. */
  init: z.strictObject({ pid: z.number(), startTicks: z.number() }).nullable(),
  parts: z.array(Part).max(100_000),
  /** SHA-256 over the parts' names, sizes and sums, in order. */
  whole: z.string(),
});
export type Manifest = z.infer<typeof Manifest>;

export const manifestName = 'manifest.json';
export const imagesName = 'images';

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function wholeOf(parts: Manifest['parts']): string {
  return createHash('sha256').update(parts.map((part) => `${part.name} ${part.sizeBytes} ${part.sha256}\n`).join('')).digest('hex');
}

async function measure(images: string): Promise<Manifest['parts']> {
  const parts: Manifest['parts'] = [];
  for (const name of readdirSync(images).sort()) {
    const path = join(images, name);
    parts.push({ name, sizeBytes: statSync(path).size, sha256: await sha256(path) });
  }
  return parts;
}

export async function writeManifest(checkpoint: string, facts: Pick<Manifest, 'podId' | 'criuVersion' | 'init'>): Promise<Manifest> {
  const parts = await measure(join(checkpoint, imagesName));
  const manifest: Manifest = { version: 1, createdAt: new Date().toISOString(), ...facts, parts, whole: wholeOf(parts) };
  writeFileAtomic(join(checkpoint, manifestName), `${JSON.stringify(manifest, null, 1)}\n`);
  return manifest;
}

/** Binds the checkpoint to the processes that are about to live from it. */
export function updateManifestInit(checkpoint: string, init: NonNullable<Manifest['init']>): void {
  writeFileAtomic(join(checkpoint, manifestName), `${JSON.stringify({ ...readManifest(checkpoint)!, init }, null, 1)}\n`);
}

export function readManifest(checkpoint: string): Manifest | undefined {
  const text = readFileIfThere(join(checkpoint, manifestName));
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

/** Reads every part and compares; the error names the part. */
export async function verifyCheckpoint(checkpoint: string, podId: string): Promise<Manifest> {
  const manifest = readManifest(checkpoint);
  if (!manifest) throw damaged(manifestName, 'it is missing');
  if (manifest.podId !== podId) throw damaged(manifestName, 'it belongs to another POD');
  if (wholeOf(manifest.parts) !== manifest.whole) throw damaged(manifestName, 'its sum does not fit its list of parts');
  const images = join(checkpoint, imagesName);
  const there = new Set(readdirSync(images));
  for (const part of manifest.parts) {
    if (!there.delete(part.name)) throw damaged(part.name, 'it is missing');
    const { size } = statSync(join(images, part.name));
    if (size !== part.sizeBytes) throw damaged(part.name, `it has ${size} bytes instead of ${part.sizeBytes}`);
  }
  const [added] = there;
  if (added !== undefined) throw damaged(added, 'it was not in the checkpoint');
  for (const part of manifest.parts) if ((await sha256(join(images, part.name))) !== part.sha256) throw damaged(part.name, 'its content was altered');
  return manifest;
}

function damaged(part: string, how: string, cause?: unknown): ZapError {
  return new ZapError('checkpoint/damaged', `The checkpoint cannot be used: part "${part}" is damaged, ${how}.`, { hint: 'Nothing was touched. Bring the part back from a backup, or delete the POD.', data: { part }, cause });
}
