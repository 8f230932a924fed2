/**
 * Memory of a POD that has left, kept for its return: what has not changed by then is not sent again.
 *
 * The key travels with the POD and is forgotten here, so that nobody can read what is kept. There is a bound to it, for all PODs together, and an end; and
 * what cannot be decrypted, or is not whole, was never there.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readdirSync, readSync, renameSync, rmSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { stateRoot } from '../pod/record';
import { pageBytes } from '../system/live-pages';
import { writeWhole } from '../system/write-whole';
import { chunkBytes, chunkCipher, chunkDecipher, contentKey, tagBytes } from './sealed-part';
import { contentHashes } from './page-content';
import type { PageStore } from './page-store';

const saltBytes = 32;
const part = { index: 0, name: 'kept memory' };
const chunkPages = chunkBytes / pageBytes;
const maxAgeMs = 7 * 24 * 3600 * 1000;
const maxBytes = 4 * 2 ** 30;

export function newKeptKey(): string {
  return randomBytes(32).toString('hex');
}

/**
 * A host's store of it. Ids of PODs are checked before they come here.
 */
export class KeptMemory {
  constructor(
    private readonly directory = join(stateRoot, 'kept'),
    /** Of all PODs together. */
    private readonly limits: { maxBytes?: number; maxAgeMs?: number } = {},
  ) {}

  /** Keeps these pages of a POD instead of what was kept of it; returns their number, which is 0 when there is no room. */
  async keep(podId: string, key: string, store: PageStore): Promise<number> {
    this.forget(podId);
    const numbers = store.present;
    mkdirSync(this.directory, { recursive: true, mode: 0o700 });
    if (numbers.length === 0 || !this.makeRoom(numbers.length * pageBytes)) return 0;
    const path = this.path(podId);
    const fd = openSync(`${path}.new`, 'wx', 0o600);
    try {
      const salt = randomBytes(saltBytes);
      const content = contentKey(key, salt);
      writeWhole(fd, salt);
      const chunks = Math.ceil(numbers.length / chunkPages);
      for (let chunk = 0; chunk < chunks; chunk++) {
        const cipher = chunkCipher(content, part, chunk, chunk === chunks - 1);
        const sealed: Buffer[] = [];
        for (const pages of runsOf(numbers.subarray(chunk * chunkPages, (chunk + 1) * chunkPages), store)) sealed.push(cipher.update(pages));
        cipher.final();
        writeWhole(fd, Buffer.concat([...sealed, cipher.getAuthTag()]));
        await breathe();
      }
      renameSync(`${path}.new`, path);
      return numbers.length;
    } catch (error) {
      rmSync(`${path}.new`, { force: true });
      throw error;
    } finally {
      closeSync(fd);
    }
  }

  /** Puts what was kept into an empty store, of which it may fill half, and returns the hashes of its content; nothing when nothing whole is there. */
  async load(podId: string, key: string, store: PageStore): Promise<Buffer | undefined> {
    let fd: number;
    try {
      fd = openSync(this.path(podId), 'r');
    } catch {
      return undefined;
    }
    try {
      const sizeBytes = statSync(this.path(podId)).size - saltBytes;
      const chunks = Math.ceil(sizeBytes / (chunkBytes + tagBytes));
      const pages = (sizeBytes - chunks * tagBytes) / pageBytes;
      if (!Number.isInteger(pages) || pages <= 0 || pages > store.maxPages / 2) return undefined;
      const content = contentKey(key, readExactly(fd, 0, saltBytes));
      const plain: Buffer[] = [];
      for (let chunk = 0; chunk < chunks; chunk++) {
        const size = Math.min(chunkPages, pages - chunk * chunkPages) * pageBytes;
        const sealed = readExactly(fd, saltBytes + chunk * (chunkBytes + tagBytes), size + tagBytes);
        const decipher = chunkDecipher(content, part, chunk, chunk === chunks - 1);
        const piece = decipher.update(sealed.subarray(0, size));
        decipher.setAuthTag(sealed.subarray(size)).final();
        plain.push(piece);
        await breathe();
      }
      const hashes: Buffer[] = [];
      for (const piece of plain) {
        for (let offset = 0; offset < piece.length; offset += pageBytes) store.append(piece, offset);
        hashes.push(contentHashes(piece));
        await breathe();
      }
      return Buffer.concat(hashes);
    } catch {
      this.forget(podId); // damaged, or kept with another key
      return undefined;
    } finally {
      closeSync(fd);
    }
  }

  forget(podId: string): void {
    for (const path of [this.path(podId), `${this.path(podId)}.new`]) rmSync(path, { force: true });
  }

  /** Removes what is too old. */
  tidy(nowMs = Date.now()): void {
    for (const { name, keptMs } of this.entries()) if (nowMs - keptMs > (this.limits.maxAgeMs ?? maxAgeMs)) rmSync(join(this.directory, name), { force: true });
  }

  /** The oldest go first. */
  private makeRoom(bytes: number): boolean {
    this.tidy();
    const { bavail, bsize } = statfsSync(this.directory);
    const entries = this.entries().sort((a, b) => a.keptMs - b.keptMs);
    let used = entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const bound = Math.min(this.limits.maxBytes ?? maxBytes, (bavail * bsize + used) / 10);
    if (bytes > bound) return false;
    for (const { name, sizeBytes } of entries) {
      if (used + bytes <= bound) break;
      rmSync(join(this.directory, name), { force: true });
      used -= sizeBytes;
    }
    return true;
  }

  private entries(): { name: string; sizeBytes: number; keptMs: number }[] {
    let names: string[];
    try {
      names = readdirSync(this.directory);
    } catch {
      return [];
    }
    return names.flatMap((name) => {
      const stat = statSync(join(this.directory, name), { throwIfNoEntry: false });
      return stat ? [{ name, sizeBytes: stat.size, keptMs: stat.mtimeMs }] : [];
    });
  }

  private path(podId: string): string {
    return join(this.directory, podId);
  }
}

/** Pages of these numbers in their order, neighbours together. */
function* runsOf(numbers: Int32Array, store: PageStore): Generator<Buffer> {
  for (let index = 0; index < numbers.length; ) {
    let run = 1;
    while (numbers[index + run] === numbers[index]! + run) run++;
    const pages = store.read(numbers[index]!, run);
    yield pages;
    index += pages.length / pageBytes;
  }
}

function readExactly(fd: number, position: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(size);
  for (let done = 0; done < size; ) {
    const count = readSync(fd, bytes, done, size - done, position + done);
    if (count === 0) throw new Error('a file became shorter while it was read');
    done += count;
  }
  return bytes;
}

/** Calls and connections get their turn between two chunks. */
function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
