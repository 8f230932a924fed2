/**
 * One part of a checkpoint, encrypted: chunks of AES-256-GCM, each followed by its tag.
 *
 * Number and place of a chunk are in its nonce, the part's name and whether it is the last in what the tag covers: no chunk can be left out, moved, doubled
 * or put into another part. Any chunk can be read by itself.
 */
import { createCipheriv, createDecipheriv, createHash, hkdfSync, type DecipherGCM } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { nextTurn } from '../files/pacer';
import { release } from '../system/release';
import { withUmask } from '../system/umask';
import { writeWhole } from '../system/write-whole';

export const chunkBytes = 1 << 20;
export const tagBytes = 16;
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

/** One chunk and its tag, in memory that the next one uses again. */
export function sealChunk(key: Buffer, part: PartPlace, chunk: number, isLast: boolean, plain: Iterable<Buffer>): Buffer {
  const cipher = createCipheriv(algorithm, key, nonce(part, chunk)).setAAD(covered(part, isLast));
  let filled = 0;
  for (const piece of plain) filled += take(cipher.update(piece), filled);
  cipher.final();
  filled += take(cipher.getAuthTag(), filled);
  return result.subarray(0, filled);
}

export function chunkDecipher(key: Buffer, part: PartPlace, chunk: number, isLast: boolean): DecipherGCM {
  return createDecipheriv(algorithm, key, nonce(part, chunk), { authTagLength: tagBytes }).setAAD(covered(part, isLast));
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
  using files = openFiles(from, to, 0o600);
  const sizeBytes = fstatSync(files.source).size;
  const hash = createHash('sha256');
  const count = chunkCount(sizeBytes);
  for (let chunk = 0; chunk < count; chunk++) {
    const plain = blocks(files.source, chunk * chunkBytes, Math.min(chunkBytes, sizeBytes - chunk * chunkBytes));
    const sealed = sealChunk(key, part, chunk, chunk === count - 1, plain);
    hash.update(sealed);
    writeWhole(files.target, sealed);
    await nextTurn(); // for calls and connections
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}

/**
 * Decrypts a file of a known size into a new one; its sum is of what was read. What was written is worth nothing unless it is authentic, and the sum what it
 * should be.
 */
export async function openFile(key: Buffer, part: PartPlace & { sizeBytes: number }, from: string, to: string): Promise<{ isAuthentic: boolean; sha256: string }> {
  using files = openFiles(from, to, 0o644); // the POD's own processes read their images; it is the directory that nobody else enters
  const hash = createHash('sha256');
  const count = chunkCount(part.sizeBytes);
  let isAuthentic = true;
  for (let chunk = 0; chunk < count; chunk++) {
    const decipher = chunkDecipher(key, part, chunk, chunk === count - 1);
    const at = chunk * (chunkBytes + tagBytes);
    const size = Math.min(chunkBytes, part.sizeBytes - chunk * chunkBytes);
    let filled = 0;
    for (const sealed of blocks(files.source, at, size)) {
      hash.update(sealed);
      filled += take(decipher.update(sealed), filled);
    }
    writeWhole(files.target, result.subarray(0, filled));
    const [tag] = blocks(files.source, at + size, tagBytes);
    hash.update(tag!);
    try {
      decipher.setAuthTag(tag!).final();
    } catch {
      isAuthentic = false;
    }
    await nextTurn();
  }
  return { isAuthentic, sha256: hash.digest('hex') };
}

/**
 * Small enough to stay in the processor's cache, and in memory that is used again: with a megabyte at a time most of the time went into fresh pages. Read and
 * written at once, since a file in memory answers faster than a thread wakes up.
 */
const blockBytes = 128 << 10;
const block = Buffer.allocUnsafeSlow(blockBytes);
/** A chunk and its tag, to be written in one call, for which file systems take larger pages. Nobody waits for anything while it is in use. */
const result = Buffer.allocUnsafeSlow(chunkBytes + tagBytes);

/** Moves what OpenSSL gave into `result`; with its memory used again for the next, encrypting takes less than half the time. */
function take(piece: Buffer, at: number): number {
  const { length } = piece;
  piece.copy(result, at);
  release(piece);
  return length;
}

function* blocks(fd: number, position: number, size: number): Generator<Buffer> {
  for (let done = 0; done < size; ) {
    const wanted = Math.min(blockBytes, size - done);
    let filled = 0;
    while (filled < wanted) {
      const bytes = readSync(fd, block, filled, wanted - filled, position + done + filled);
      if (bytes === 0) throw new Error('a file became shorter while it was read');
      filled += bytes;
    }
    done += wanted;
    yield block.subarray(0, wanted);
  }
}

function openFiles(from: string, to: string, mode: number): Disposable & { source: number; target: number } {
  const source = openSync(from, 'r');
  try {
    const target = withUmask(0, () => openSync(to, 'wx', mode));
    return { source, target, [Symbol.dispose]: () => [source, target].forEach((fd) => closeSync(fd)) };
  } catch (error) {
    closeSync(source);
    throw error;
  }
}
