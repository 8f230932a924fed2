/**
 * The frozen memory of a POD, told by pages that the other side has already.
 *
 * CRIU says which pages a checkpoint holds; what is in them is read from the frozen processes themselves, while CRIU is still at work on the rest. Two
 * streams follow the word `checkpoint`. The first is pages that have changed since they were sent ahead: the store of both sides grows by them. The second is
 * records, little endian, u32 each, that make the files of pages one after the other:
 *
 *   file, 0, pid        the file begins; what was laid out for the process `pid` (0: none) is a good guess at its content
 *   file, count, first  so many pages of the store, from number `first` on
 *   file, top bit | n   n pages of content follow
 */
import { closeSync, ftruncateSync, openSync, readdirSync, readFileSync, readSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ZapError } from '../protocol/errors';
import { MapCursor } from '../checkpoint/memory-map';
import type { PageStore } from '../checkpoint/page-store';
import { parsePagemap, withAllPresent, type Pagemap } from '../criu/pagemap';
import { Pacer } from '../files/pacer';
import type { Sink } from '../files/frames';
import { pageBytes, ProcessMemory } from '../system/live-pages';
import { innerPid, namespaceMembers } from '../system/process';
import { commonUmask, withUmask } from '../system/umask';
import type { MemoryAhead } from './page-sync';

const literalFlag = 0x80000000;
const maxRun = 1 << 20;
const maxFiles = 100_000;
const readBytes = 1 << 20;
const flushBytes = 128 << 10;
const flushPages = 32;

export function isPagesFile(name: string): boolean {
  return /^pages-\d+\.img$/.test(name);
}

/** Sends what a store has more than it had. */
export class PageAppender {
  private sent: number;

  constructor(
    private readonly store: PageStore,
    private readonly sink: Sink,
    private readonly onBytes: (bytes: number) => void = () => {},
  ) {
    this.sent = store.count;
  }

  /** How many pages wait. */
  get pages(): number {
    return this.store.count - this.sent;
  }

  async flush(): Promise<void> {
    while (this.pages > 0) {
      const bytes = this.store.read(this.sent, this.pages);
      this.sent += bytes.length / pageBytes;
      await this.sink.write(bytes);
      this.onBytes(bytes.length);
    }
  }
}

export class FrozenMemory {
  private readonly pids: Map<number, number>;
  private readonly buffer = Buffer.allocUnsafeSlow(readBytes);
  private compared: Promise<void>;
  private isWanted = true;

  /** From the moment on at which all processes stand still. `init` is the POD's first process, as this host numbers it. */
  constructor(
    init: number,
    private readonly ahead: MemoryAhead,
    changes: Sink,
    private readonly signal?: AbortSignal,
  ) {
    this.pids = new Map(namespaceMembers(init).map((pid) => [innerPid(pid) ?? 0, pid]));
    this.compared = this.compare(changes);
    this.compared.catch(() => {}); // `send` tells
  }

  /** All that has changed is in the store, and sent. */
  async known(): Promise<void> {
    await this.compared;
  }

  /** Nobody wants it any more; resolves when nothing is read or written any more. */
  async abandon(): Promise<void> {
    this.isWanted = false;
    await this.compared.catch(() => {});
  }

  /** The dump has ended: makes the files of pages on the other side, and their pagemaps here say that all pages are in them. Returns their bytes. */
  async send(images: string, sink: Sink): Promise<number> {
    const records = new RecordWriter(sink);
    for (const name of readdirSync(images)) {
      const [, kind, id] = /^pagemap-(shmem-)?(\d+)\.img$/.exec(name) ?? [];
      if (id === undefined) continue;
      const path = join(images, name);
      const bytes = readFileSync(path);
      const pagemap = parsePagemap(bytes);
      if (kind === undefined) {
        await this.sendProcess(Number(id), pagemap, records);
        writeFileSync(path, withAllPresent(bytes));
      } else await this.sendFile(join(images, `pages-${pagemap.pagesId}.img`), pagemap, records);
      this.signal?.throwIfAborted();
    }
    await records.flush();
    return records.pages * pageBytes;
  }

  /** Puts the numbers of what is there now into the map; where that cannot be known yet, −1. */
  private async compare(changes: Sink): Promise<void> {
    const { store, map } = this.ahead;
    const appended = new PageAppender(store, changes);
    const pacer = new Pacer(this.signal);
    for (const [name, pieces] of map) {
      const pid = this.pids.get(name);
      using memory = pid === undefined ? undefined : ProcessMemory.open(pid);
      if (!memory) continue;
      for (const { address, isExecutable, numbers } of pieces) {
        if (isExecutable) numbers.fill(-1);
        for (let done = 0; done < numbers.length && !isExecutable; ) {
          if (!this.isWanted) return;
          const bytes = memory.read(address + done * pageBytes, (numbers.length - done) * pageBytes, this.buffer);
          if (bytes.length === 0) {
            numbers.fill(-1, done);
            break;
          }
          this.renumber(numbers.subarray(done, done + bytes.length / pageBytes), bytes);
          done += bytes.length / pageBytes;
          if (appended.pages >= flushPages) await appended.flush();
          if (pacer.isDue) await pacer.breathe();
        }
      }
    }
    await appended.flush();
  }

  private renumber(numbers: Int32Array, bytes: Buffer): void {
    const { store } = this.ahead;
    for (let index = 0; index < numbers.length; ) {
      const first = numbers[index]!;
      let run = 1;
      if (first >= 0) {
        const limit = store.together(first, numbers.length - index);
        while (run < limit && numbers[index + run] === first + run) run++;
        if (store.isSame(first, run, bytes, index * pageBytes)) {
          index += run;
          continue;
        }
      }
      for (const end = index + run; index < end; index++) {
        const number = numbers[index]!;
        if (number < 0 || !store.isSame(number, 1, bytes, index * pageBytes)) numbers[index] = store.add(bytes, index * pageBytes);
      }
    }
  }

  private async sendProcess(name: number, { pagesId, entries }: Pagemap, records: RecordWriter): Promise<void> {
    const pieces = this.ahead.map.get(name);
    records.begin(pagesId, pieces ? name : 0);
    const pid = this.pids.get(name);
    const cursor = new MapCursor(pieces ?? []);
    using memory = pid === undefined ? undefined : ProcessMemory.open(pid);
    for (const entry of entries) {
      for (let done = 0; done < entry.pages; ) {
        const address = entry.address + done * pageBytes;
        const { number, run } = cursor.at(address, entry.pages - done, pageBytes);
        if (number >= 0) {
          records.known(number, run);
          done += run;
        } else {
          const bytes = memory?.read(address, run * pageBytes, this.buffer);
          if (!bytes || bytes.length === 0) throw new ZapError('checkpoint/memory-unreadable', `The memory of process ${name} of the POD cannot be read.`, { data: { pid: name, address: address.toString(16) } });
          this.sendContent(bytes, records);
          done += bytes.length / pageBytes;
        }
        if (records.isFull) await records.flush();
      }
    }
  }

  /** Shared memory, which CRIU has written out. */
  private async sendFile(path: string, { pagesId }: Pagemap, records: RecordWriter): Promise<void> {
    records.begin(pagesId, 0);
    const fd = openSync(path, 'r');
    try {
      for (let position = 0; ; ) {
        const size = readSync(fd, this.buffer, 0, this.buffer.length, position);
        if (size === 0) return;
        position += size;
        this.sendContent(this.buffer.subarray(0, size), records);
        if (records.isFull) await records.flush();
      }
    } finally {
      closeSync(fd);
    }
  }

  private sendContent(bytes: Buffer, records: RecordWriter): void {
    let start = 0;
    for (let offset = 0; offset < bytes.length; offset += pageBytes) {
      const number = this.ahead.store.find(bytes, offset);
      if (number < 0) continue;
      records.content(bytes.subarray(start, offset));
      records.known(number, 1);
      start = offset + pageBytes;
    }
    records.content(bytes.subarray(start));
  }
}

/** Neighbours become one record. */
class RecordWriter {
  pages = 0;
  private file = 0;
  private run: { first: number; count: number } | undefined;
  private literal: Buffer[] = [];
  private literalBytes = 0;
  private out: Buffer[] = [];
  private outBytes = 0;

  constructor(private readonly sink: Sink) {}

  get isFull(): boolean {
    return this.outBytes >= flushBytes;
  }

  begin(file: number, pid: number): void {
    this.endRecord();
    this.file = file;
    this.put(words(file, 0, pid));
  }

  known(first: number, count: number): void {
    this.pages += count;
    if (this.run && this.run.first + this.run.count === first && this.run.count + count <= maxRun) {
      this.run.count += count;
      return;
    }
    this.endRecord();
    this.run = { first, count };
  }

  /** Whole pages, copied. */
  content(bytes: Buffer): void {
    if (bytes.length === 0) return;
    if (this.run) this.endRecord();
    this.pages += bytes.length / pageBytes;
    this.literal.push(Buffer.from(bytes));
    this.literalBytes += bytes.length;
    this.outBytes += bytes.length;
  }

  async flush(): Promise<void> {
    this.endRecord();
    if (this.out.length === 0) return;
    const bytes = Buffer.concat(this.out);
    this.out = [];
    this.outBytes = 0;
    await this.sink.write(bytes);
  }

  private endRecord(): void {
    if (this.run) this.put(words(this.file, this.run.count, this.run.first));
    if (this.literal.length > 0) {
      this.put(words(this.file, literalFlag | (this.literalBytes / pageBytes)));
      this.out.push(...this.literal);
    }
    this.run = undefined;
    this.literal = [];
    this.literalBytes = 0;
  }

  private put(bytes: Buffer): void {
    this.out.push(bytes);
    this.outBytes += bytes.length;
  }
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.allocUnsafe(values.length * 4);
  values.forEach((value, index) => bytes.writeUInt32LE(value >>> 0, index * 4));
  return bytes;
}

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
      await new Promise<void>((resolve) => setImmediate(resolve));
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

function broken(): ZapError {
  return new ZapError('checkpoint/broken-pages', 'The memory that was sent does not fit what was sent before.', { hint: 'Try the move again.' });
}
