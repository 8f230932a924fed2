/**
 * Memory of a POD that has left, kept for its return: what has not changed by then is not sent again.
 *
 * The key travels with the POD and is forgotten here, so that nobody can read what is kept. There is a bound to it, for all PODs together, and an end; and
 * what cannot be decrypted, or is not whole, was never there.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, readSync, renameSync, rmSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { nextTurn } from '../files/pacer';
import { stateRoot } from '../pod/paths';
import { pageBytes } from '../system/live-pages';
import { release } from '../system/release';
import { writeWhole } from '../system/write-whole';
import { contentHashes } from './page-content';
import { PageStore } from './page-store';
import { chunkBytes, chunkDecipher, contentKey, sealChunk, tagBytes } from './sealed-part';

const saltBytes = 32;
const part = { index: 0, name: 'kept memory' };
const chunkPages = chunkBytes / pageBytes;
const maxAgeMs = 7 * 24 * 3600 * 1000;
const maxBytes = 4 * 2 ** 30;
/** Decrypted, hashed and taken over at once: it stays in the processor's cache. */
const blockBytes = 128 << 10;
/** Memory that is used again costs less than half of fresh memory. Nobody waits for anything while it is in use. */
const sealedChunk = Buffer.allocUnsafeSlow(chunkBytes + tagBytes);

export function newKeptKey(): string {
  return randomBytes(32).toString('hex');
}

/** A host's store of it. Ids of PODs are checked before they come here. */
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
        const pages = runsOf(numbers.subarray(chunk * chunkPages, (chunk + 1) * chunkPages), store);
        writeWhole(fd, sealChunk(content, part, chunk, chunk === chunks - 1, pages));
        await nextTurn();
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

  /** What was kept, in a store of so many pages at most, of which it fills half or less, and the hashes of its content; nothing when nothing whole is there. */
  async load(podId: string, key: string, maxPages: number): Promise<{ store: PageStore; hashes: Buffer } | undefined> {
    let fd: number;
    try {
      fd = openSync(this.path(podId), 'r');
    } catch {
      return undefined;
    }
    try {
      const sizeBytes = fstatSync(fd).size - saltBytes;
      const chunks = Math.ceil(sizeBytes / (chunkBytes + tagBytes));
      const pages = (sizeBytes - chunks * tagBytes) / pageBytes;
      if (!Number.isInteger(pages) || pages <= 0 || pages > maxPages / 2) return undefined;
      const content = contentKey(key, readExactly(fd, 0, Buffer.alloc(saltBytes)));
      const store = new PageStore(maxPages);
      const hashes: Buffer[] = [];
      for (let chunk = 0; chunk < chunks; chunk++) {
        const size = Math.min(chunkPages, pages - chunk * chunkPages) * pageBytes;
        const sealed = readExactly(fd, saltBytes + chunk * (chunkBytes + tagBytes), sealedChunk.subarray(0, size + tagBytes));
        const decipher = chunkDecipher(content, part, chunk, chunk === chunks - 1);
        for (let done = 0; done < size; done += blockBytes) {
          const plain = decipher.update(sealed.subarray(done, Math.min(done + blockBytes, size)));
          for (let offset = 0; offset < plain.length; offset += pageBytes) store.append(plain, offset);
          hashes.push(contentHashes(plain));
          release(plain);
        }
        decipher.setAuthTag(Buffer.from(sealed.subarray(size))).final();
        await nextTurn();
      }
      return { store, hashes: Buffer.concat(hashes) };
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

function readExactly(fd: number, position: number, into: Buffer): Buffer {
  for (let done = 0; done < into.length; ) {
    const count = readSync(fd, into, done, into.length - done, position + done);
    if (count === 0) throw new Error('a file became shorter while it was read');
    done += count;
  }
  return into;
}
