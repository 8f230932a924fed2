/**
 * One part of a checkpoint, encrypted: chunks of AES-256-GCM, each followed by its tag.
 *
 * Number and place of a chunk are in its nonce, the part's name and whether it is the last in what the tag covers: no chunk can be left out, moved, doubled
 * or put into another part. Any chunk can be read by itself.
 */
import { createCipheriv, createDecipheriv, createHash, hkdfSync } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';

export const chunkBytes = 1 << 20;
const tagBytes = 16;
const algorithm = 'aes-256-gcm';

/** The key that content is encrypted with: never the owner's own, so that the same one given twice does no harm. */
export function contentKey(ownersKey: string, salt: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', Buffer.from(ownersKey, 'hex'), salt, 'zap checkpoint content', 32));
}

/** Tells whether a key is the right one; tells nothing of the key. */
export function keyCheck(key: Buffer): string {
  return createHash('sha256').update('zap checkpoint key').update(key).digest('hex').slice(0, 32);
}

export interface PartPlace {
  /** Number of the part in its checkpoint. */
  index: number;
  name: string;
}

function nonce(part: PartPlace, chunk: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32BE(part.index, 0);
  bytes.writeBigUInt64BE(BigInt(chunk), 4);
  return bytes;
}

function covered(part: PartPlace, isLast: boolean): Buffer {
  return Buffer.from(`${part.name}\0${isLast ? 'last' : 'more'}`);
}

export function sealChunk(key: Buffer, part: PartPlace, chunk: number, isLast: boolean, plain: Buffer): Buffer {
  const cipher = createCipheriv(algorithm, key, nonce(part, chunk)).setAAD(covered(part, isLast));
  const sealed = cipher.update(plain);
  cipher.final();
  return Buffer.concat([sealed, cipher.getAuthTag()]);
}

/** Throws when a bit of it is not as it was, or the key is another one. */
export function openChunk(key: Buffer, part: PartPlace, chunk: number, isLast: boolean, sealed: Buffer): Buffer {
  const decipher = createDecipheriv(algorithm, key, nonce(part, chunk), { authTagLength: tagBytes }).setAAD(covered(part, isLast));
  decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
  const plain = decipher.update(sealed.subarray(0, sealed.length - tagBytes));
  decipher.final();
  return plain;
}

/** Chunks of a part of this size; an empty part has one, so that its absence shows. */
export function chunkCount(sizeBytes: number): number {
  return Math.max(1, Math.ceil(sizeBytes / chunkBytes));
}

export function sealedSize(sizeBytes: number): number {
  return sizeBytes + chunkCount(sizeBytes) * tagBytes;
}

/** Encrypts a file; the sum is of what was written. */
export async function sealFile(key: Buffer, part: PartPlace, from: string, to: string): Promise<{ sizeBytes: number; sha256: string }> {
  await using source = await open(from, 'r');
  await using target = await open(to, 'wx', 0o600);
  const { size } = await source.stat();
  const hash = createHash('sha256');
  const writing = new LateWrite(target);
  const buffer = Buffer.allocUnsafeSlow(Math.min(size, chunkBytes));
  for (let chunk = 0; chunk < chunkCount(size); chunk++) {
    const plain = await readWhole(source, buffer, chunk * chunkBytes, Math.min(chunkBytes, size - chunk * chunkBytes));
    const sealed = sealChunk(key, part, chunk, chunk === chunkCount(size) - 1, plain);
    await writing.done();
    writing.start(sealed);
    hash.update(sealed);
  }
  await writing.done();
  return { sizeBytes: size, sha256: hash.digest('hex') };
}

/** Decrypts a file of a known size into a new one; its sum is of what was read. What cannot be decrypted is left out, and only the sum tells why. */
export async function openFile(key: Buffer, part: PartPlace & { sizeBytes: number }, from: string, to: string): Promise<{ isAuthentic: boolean; sha256: string }> {
  await using source = await open(from, 'r');
  await using target = await open(to, 'wx', 0o600);
  await target.chmod(0o644); // the POD's own processes read their images; it is the directory that nobody else enters
  const hash = createHash('sha256');
  const writing = new LateWrite(target);
  const buffer = Buffer.allocUnsafeSlow(chunkBytes + tagBytes);
  const count = chunkCount(part.sizeBytes);
  let isAuthentic = true;
  for (let chunk = 0; chunk < count; chunk++) {
    const size = Math.min(chunkBytes, part.sizeBytes - chunk * chunkBytes) + tagBytes;
    const sealed = await readWhole(source, buffer, chunk * (chunkBytes + tagBytes), size);
    hash.update(sealed);
    if (!isAuthentic) continue;
    try {
      const plain = openChunk(key, part, chunk, chunk === count - 1, sealed);
      await writing.done();
      writing.start(plain);
    } catch {
      isAuthentic = false;
    }
  }
  await writing.done();
  return { isAuthentic, sha256: hash.digest('hex') };
}

/** One write under way while the next chunk is made. */
class LateWrite {
  private pending: Promise<unknown> = Promise.resolve();

  constructor(private readonly file: FileHandle) {}

  start(bytes: Buffer): void {
    this.pending = bytes.length === 0 ? Promise.resolve() : this.file.writeFile(bytes);
    this.pending.catch(() => {}); // `done` tells
  }

  async done(): Promise<void> {
    await this.pending;
  }
}

async function readWhole(file: FileHandle, buffer: Buffer, position: number, size: number): Promise<Buffer> {
  for (let done = 0; done < size; ) {
    const { bytesRead } = await file.read(buffer, done, size - done, position + done);
    if (bytesRead === 0) throw new Error('a file became shorter while it was read');
    done += bytesRead;
  }
  return buffer.subarray(0, size);
}
