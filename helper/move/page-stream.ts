/**
 * The checkpoint's files of memory, sent while CRIU is still writing them, and told by what the other side has already.
 *
 * CRIU appends to `pages-N.img`, one file after the other; whatever a file's size covers is final. The stream is records, little endian: u32 file number;
 * u32 count with the top bit clear and u32 first — so many pages from that number of the store on; or u32 count with the top bit set — so many pages of
 * content follow. Sender, wire and receiver work at the same time: when the dump ends, little is left to do.
 */
import { closeSync, openSync, readdirSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ZapError } from '../protocol/errors';
import type { PageStore } from '../checkpoint/page-store';
import type { Sink } from '../files/frames';
import { pageBytes } from '../system/live-pages';
import { commonUmask, withUmask } from '../system/umask';

const literalFlag = 0x80000000;
const maxRun = 1 << 20;
const maxFiles = 100_000;
const blockPages = 64;
const pollMs = 2;
const flushBytes = 128 << 10;

export function isPagesFile(name: string): boolean {
  return pagesNumber(name) !== undefined;
}

function pagesNumber(name: string): number | undefined {
  const number = /^pages-(\d+)\.img$/.exec(name)?.[1];
  return number === undefined ? undefined : Number(number);
}

export interface PageStreamResult {
  pages: number;
  literalPages: number;
}

interface Reading {
  fd: number;
  position: number;
}

export class PageSender {
  private readonly files = new Map<number, Reading>();
  private readonly block = Buffer.allocUnsafeSlow(blockPages * pageBytes);
  private readonly result: PageStreamResult = { pages: 0, literalPages: 0 };
  private out: Buffer[] = [];
  private outBytes = 0;
  private isDumping = true;
  private early: Promise<void> | undefined;

  constructor(
    private readonly directory: string,
    private readonly sink: Sink,
    private readonly store: PageStore,
    private readonly signal?: AbortSignal,
  ) {}

  /** Begins with the dump. */
  start(): void {
    this.early = (async () => {
      while (this.isDumping) {
        if ((await this.pass()) === 0) await sleep(pollMs);
      }
    })();
    this.early.catch(() => {}); // `finish` tells
  }

  /** The dump has ended: sends what is left of it. */
  async finish(): Promise<PageStreamResult> {
    this.isDumping = false;
    await this.early;
    while ((await this.pass()) > 0);
    await this.flush();
    this.close();
    return this.result;
  }

  /** The dump, or what follows it, has failed. */
  async abandon(): Promise<void> {
    this.isDumping = false;
    await this.early?.catch(() => {});
    this.close();
  }

  /** Sends what has been written since the last pass; returns how many pages that were. */
  private async pass(): Promise<number> {
    const before = this.result.pages;
    const numbers = readdirSync(this.directory).flatMap((name) => pagesNumber(name) ?? []).sort((a, b) => a - b);
    for (const number of numbers) {
      const file = this.files.get(number) ?? { fd: openSync(join(this.directory, `pages-${number}.img`), 'r'), position: 0 };
      this.files.set(number, file);
      for (;;) {
        const size = readSync(file.fd, this.block, 0, this.block.length, file.position);
        const whole = size - (size % pageBytes);
        if (whole === 0) break;
        file.position += whole;
        this.encode(number, whole);
        if (this.outBytes >= flushBytes) await this.flush();
      }
    }
    await this.flush();
    return this.result.pages - before;
  }

  private encode(file: number, size: number): void {
    let run: { first: number; count: number } | undefined;
    let literal: { start: number; end: number } | undefined;
    const endRun = (): void => {
      if (run) this.put(words(file, run.count, run.first));
      run = undefined;
    };
    const endLiteral = (): void => {
      if (literal) {
        this.put(words(file, literalFlag | ((literal.end - literal.start) / pageBytes)));
        this.put(Buffer.from(this.block.subarray(literal.start, literal.end))); // the block is used again
      }
      literal = undefined;
    };
    for (let offset = 0; offset < size; offset += pageBytes) {
      this.result.pages++;
      const number = this.store.find(this.block, offset);
      if (number < 0) {
        endRun();
        this.result.literalPages++;
        literal ??= { start: offset, end: offset };
        literal.end += pageBytes;
        continue;
      }
      endLiteral();
      if (run && run.first + run.count === number) run.count++;
      else {
        endRun();
        run = { first: number, count: 1 };
      }
    }
    endRun();
    endLiteral();
  }

  private put(bytes: Buffer): void {
    this.out.push(bytes);
    this.outBytes += bytes.length;
  }

  private async flush(): Promise<void> {
    this.signal?.throwIfAborted();
    if (this.outBytes === 0) return;
    const bytes = Buffer.concat(this.out);
    this.out = [];
    this.outBytes = 0;
    await this.sink.write(bytes);
  }

  private close(): void {
    for (const { fd } of this.files.values()) closeSync(fd);
    this.files.clear();
  }
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.allocUnsafe(values.length * 4);
  values.forEach((value, index) => bytes.writeUInt32LE(value >>> 0, index * 4));
  return bytes;
}

/** Writes the files of memory as they arrive. What does not fit the store, or is no record, is refused; nothing is ever read beyond. */
export async function receivePageFiles(chunks: AsyncIterable<Buffer>, directory: string, store: PageStore, limits: { maxBytes: number }): Promise<void> {
  const files = new Map<number, number>();
  const fileOf = (number: number): number => {
    let fd = files.get(number);
    if (fd === undefined) {
      if (number > maxFiles || files.size > maxFiles) throw broken();
      files.set(number, (fd = withUmask(commonUmask, () => openSync(join(directory, `pages-${number}.img`), 'wx', 0o644))));
    }
    return fd;
  };
  let written = 0;
  const write = (fd: number, bytes: Buffer): void => {
    written += bytes.length;
    if (written > limits.maxBytes) throw new ZapError('checkpoint/too-large', `The checkpoint is larger than the ${limits.maxBytes} bytes that this host has room for.`);
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done);
  };
  let rest: Buffer = Buffer.alloc(0);
  let literal = { fd: -1, missing: 0 };
  try {
    for await (const chunk of chunks) {
      let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      for (;;) {
        if (literal.missing > 0) {
          const piece = bytes.subarray(0, literal.missing);
          if (piece.length === 0) break;
          write(literal.fd, piece);
          literal = { fd: literal.fd, missing: literal.missing - piece.length };
          bytes = bytes.subarray(piece.length);
          continue;
        }
        if (bytes.length < 8) break;
        const value = bytes.readUInt32LE(4);
        const count = value & ~literalFlag;
        if (count === 0 || count > maxRun) throw broken();
        if ((value & literalFlag) !== 0) {
          literal = { fd: fileOf(bytes.readUInt32LE(0)), missing: count * pageBytes };
          bytes = bytes.subarray(8);
          continue;
        }
        if (bytes.length < 12) break;
        copyRun(bytes.readUInt32LE(8), count, store, (content) => write(fileOf(bytes.readUInt32LE(0)), content));
        bytes = bytes.subarray(12);
      }
      rest = bytes;
    }
    if (rest.length > 0 || literal.missing > 0) throw broken();
  } finally {
    for (const fd of files.values()) closeSync(fd);
  }
}

function copyRun(first: number, count: number, store: PageStore, write: (content: Buffer) => void): void {
  if (first + count > store.count) throw broken();
  for (let done = 0; done < count; ) {
    const content = store.read(first + done, count - done);
    write(content);
    done += content.length / pageBytes;
  }
}

function broken(): ZapError {
  return new ZapError('checkpoint/broken-pages', 'The memory that was sent does not fit what was sent before.', { hint: 'Try the move again.' });
}
