/**
 * A file of memory pages told by what the other side has already.
 *
 * Form: u32 magic, then records until the end: u32 count with the top bit clear and u32 first — so many pages from that number of the store on; or u32
 * count with the top bit set — so many pages of content follow. All little endian. A delta is only right with the store that it was made against.
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { ZapError } from '../protocol/errors';
import { pageBytes } from '../system/live-pages';
import type { PageStore } from './page-store';

const magic = 0x314c445a;
const literalFlag = 0x80000000;
const maxRun = 1 << 20;
const blockPages = 256;

export interface DeltaResult {
  pages: number;
  literalPages: number;
}

/** Writes the delta of a file of pages. */
export function writeDelta(source: string, target: string, store: PageStore): DeltaResult {
  const input = openSync(source, 'r');
  const output = openSync(target, 'w', 0o600);
  try {
    return new DeltaWriter(output, store).run(input);
  } finally {
    closeSync(input);
    closeSync(output);
  }
}

class DeltaWriter {
  private known: { first: number; count: number } | undefined;
  private literals: Buffer[] = [];
  private readonly result: DeltaResult = { pages: 0, literalPages: 0 };

  constructor(
    private readonly output: number,
    private readonly store: PageStore,
  ) {}

  run(input: number): DeltaResult {
    this.write([word(magic)]);
    const block = Buffer.allocUnsafeSlow(blockPages * pageBytes);
    for (let position = 0; ; ) {
      const size = readSync(input, block, 0, block.length, position);
      if (size === 0) break;
      if (size % pageBytes !== 0) throw new ZapError('criu/image-unreadable', 'A file of memory pages does not consist of whole pages.');
      position += size;
      for (let offset = 0; offset < size; offset += pageBytes) this.page(block, offset);
      this.flushLiterals(); // they point into the block
    }
    this.flushKnown();
    return this.result;
  }

  private page(block: Buffer, offset: number): void {
    this.result.pages++;
    const number = this.store.find(block, offset);
    if (number < 0) {
      this.flushKnown();
      this.result.literalPages++;
      this.literals.push(block.subarray(offset, offset + pageBytes));
      return;
    }
    this.flushLiterals();
    if (this.known && this.known.first + this.known.count === number && this.known.count < maxRun) this.known.count++;
    else {
      this.flushKnown();
      this.known = { first: number, count: 1 };
    }
  }

  private flushKnown(): void {
    if (this.known) this.write([word(this.known.count), word(this.known.first)]);
    this.known = undefined;
  }

  private flushLiterals(): void {
    if (this.literals.length > 0) this.write([word(literalFlag | this.literals.length), ...this.literals]);
    this.literals = [];
  }

  private write(parts: Buffer[]): void {
    writeAll(this.output, Buffer.concat(parts));
  }
}

/** Makes the file of pages again. The store's and the delta's word is checked: a wrong one is refused, never read beyond. */
export function applyDelta(source: string, target: string, store: PageStore): void {
  const input = openSync(source, 'r');
  const output = openSync(target, 'wx', 0o644);
  try {
    let position = 0;
    const take = (size: number): Buffer | undefined => {
      const bytes = Buffer.allocUnsafe(size);
      const got = readSync(input, bytes, 0, size, position);
      if (got === 0) return undefined;
      if (got !== size) throw broken();
      position += size;
      return bytes;
    };
    if (take(4)?.readUInt32LE() !== magic) throw broken();
    for (let record = take(4); record; record = take(4)) {
      const value = record.readUInt32LE();
      let count = value & ~literalFlag;
      if (count === 0 || count > maxRun) throw broken();
      if ((value & literalFlag) !== 0) {
        const content = take(count * pageBytes);
        if (!content) throw broken();
        writeAll(output, content);
        continue;
      }
      let first = take(4)?.readUInt32LE() ?? Infinity;
      if (first + count > store.count) throw broken();
      while (count > 0) {
        const bytes = store.read(first, count);
        writeAll(output, bytes);
        first += bytes.length / pageBytes;
        count -= bytes.length / pageBytes;
      }
    }
  } finally {
    closeSync(input);
    closeSync(output);
  }
}

function word(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done);
}

function broken(): ZapError {
  return new ZapError('checkpoint/broken-delta', 'The memory that was sent does not fit what was sent before.', { hint: 'Try the move again.' });
}
