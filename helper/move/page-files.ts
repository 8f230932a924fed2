/**
 * The files of pages that a restore reads, on the receiving side: laid out before the freeze as far as is known by then, and made complete afterwards.
 */
import { closeSync, ftruncateSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ZapError } from '../protocol/errors';
import type { PageStore } from '../checkpoint/page-store';
import { nextTurn } from '../files/pacer';
import { pageBytes } from '../system/live-pages';
import { commonUmask, withUmask } from '../system/umask';
import { broken, literalFlag, maxRun } from './page-records';

const maxFiles = 100_000;

/** A file of pages made before the freeze, and what is in it. */
interface Prefilled {
  path: string;
  numbers: Int32Array;
}
export type PrefilledPages = Map<number, Prefilled>;

/** Lays the pages that were sent ahead out as the processes have them: after the freeze only what differs is written. */
export async function prefillPages(chunks: AsyncIterable<Buffer>, directory: string, store: PageStore, limits: { maxBytes: number }): Promise<PrefilledPages> {
  const prefilled: PrefilledPages = new Map();
  let rest: Buffer = Buffer.alloc(0);
  let bytesLeft = limits.maxBytes;
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (;;) {
      const size = rest.length < 8 ? Infinity : 8 + rest.readUInt32LE(4) * 8;
      if (rest.length < size) break;
      const pid = rest.readUInt32LE(0);
      if (prefilled.has(pid) || pid === 0 || prefilled.size >= maxFiles) throw broken();
      const runs = Array.from({ length: (size - 8) / 8 }, (_, index) => ({ first: rest.readUInt32LE(8 + index * 8), count: rest.readUInt32LE(12 + index * 8) }));
      for (const { first, count } of runs) {
        if (first + count > store.count) throw broken();
        bytesLeft -= count * pageBytes;
      }
      if (bytesLeft < 0) return prefilled; // only ever a guess
      const path = join(directory, `ahead-${pid}`);
      prefilled.set(pid, { path, numbers: writeRuns(path, runs, store) });
      rest = rest.subarray(size);
      await nextTurn();
    }
  }
  return prefilled;
}

function writeRuns(path: string, runs: readonly { first: number; count: number }[], store: PageStore): Int32Array {
  const numbers = new Int32Array(runs.reduce((sum, { count }) => sum + count, 0));
  const fd = newFile(path);
  try {
    let at = 0;
    for (const { first, count } of runs) {
      for (let done = 0; done < count; ) {
        const content = store.read(first + done, count - done);
        writeAll(fd, content, at * pageBytes);
        for (let index = 0; index < content.length / pageBytes; index++) numbers[at++] = first + done + index;
        done += content.length / pageBytes;
      }
    }
  } finally {
    closeSync(fd);
  }
  return numbers;
}

/** A file of pages as it comes into being. */
class PageFile {
  private position = 0;

  constructor(
    private readonly fd: number,
    private readonly numbers: Int32Array | undefined,
  ) {}

  /** Pages of the store; those that are there already are not written. */
  known(first: number, count: number, store: PageStore): void {
    for (let done = 0; done < count; ) {
      const page = this.position / pageBytes;
      let same = 0;
      while (done + same < count && this.numbers?.[page + same] === first + done + same) same++;
      if (same > 0) {
        this.position += same * pageBytes;
        done += same;
        continue;
      }
      let other = 1;
      while (done + other < count && this.numbers?.[page + other] !== first + done + other) other++;
      const content = store.read(first + done, other);
      this.content(content);
      done += content.length / pageBytes;
    }
  }

  content(bytes: Buffer): void {
    writeAll(this.fd, bytes, this.position);
    this.position += bytes.length;
  }

  close(): void {
    ftruncateSync(this.fd, this.position);
    closeSync(this.fd);
  }
}

/** Makes the files of pages. What does not fit the store, or is no record, is refused; nothing is ever read beyond. */
export async function receivePageFiles(chunks: AsyncIterable<Buffer>, directory: string, store: PageStore, limits: { maxBytes: number }, prefilled: PrefilledPages = new Map()): Promise<void> {
  const files = new Map<number, PageFile>();
  let bytesLeft = limits.maxBytes;
  const begin = (number: number, pid: number): void => {
    if (number > maxFiles || files.size >= maxFiles || files.has(number)) throw broken();
    const path = join(directory, `pages-${number}.img`);
    const guess = prefilled.get(pid);
    prefilled.delete(pid);
    if (guess) renameSync(guess.path, path);
    files.set(number, new PageFile(guess ? openSync(path, 'r+') : newFile(path), guess?.numbers));
  };
  const fileFor = (number: number, pages: number): PageFile => {
    const file = files.get(number);
    if (!file || pages > maxRun) throw broken();
    bytesLeft -= pages * pageBytes;
    if (bytesLeft < 0) throw new ZapError('checkpoint/too-large', `The checkpoint is larger than the ${limits.maxBytes} bytes that this host has room for.`);
    return file;
  };
  let rest: Buffer = Buffer.alloc(0);
  let literal: { file: PageFile; missing: number } | undefined;
  try {
    for await (const chunk of chunks) {
      let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      for (;;) {
        if (literal) {
          const piece = bytes.subarray(0, literal.missing);
          if (piece.length === 0) break;
          literal.file.content(piece);
          literal = literal.missing === piece.length ? undefined : { file: literal.file, missing: literal.missing - piece.length };
          bytes = bytes.subarray(piece.length);
          continue;
        }
        if (bytes.length < 8) break;
        const [number, value] = [bytes.readUInt32LE(0), bytes.readUInt32LE(4)];
        if ((value & literalFlag) !== 0) {
          const pages = value & ~literalFlag;
          if (pages === 0) throw broken();
          literal = { file: fileFor(number, pages), missing: pages * pageBytes };
          bytes = bytes.subarray(8);
          continue;
        }
        if (bytes.length < 12) break;
        const last = bytes.readUInt32LE(8);
        if (value === 0) begin(number, last);
        else {
          const file = fileFor(number, value);
          if (last + value > store.count) throw broken();
          file.known(last, value, store);
        }
        bytes = bytes.subarray(12);
      }
      rest = bytes;
    }
    if (rest.length > 0 || literal) throw broken();
  } finally {
    for (const file of files.values()) file.close();
    for (const { path } of prefilled.values()) rmSync(path, { force: true });
  }
}

/** Restored tasks open it with the POD's ids. */
function newFile(path: string): number {
  return withUmask(commonUmask, () => openSync(path, 'wx', 0o644));
}

function writeAll(fd: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
}
