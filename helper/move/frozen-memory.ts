/**
 * The frozen memory of a POD, told by pages that the other side has already.
 *
 * CRIU says which pages a checkpoint holds; what is in them is read from the frozen processes themselves, while CRIU is still at work on the rest. Two
 * streams follow the word `checkpoint`: pages that have changed since they were sent ahead, by which the store of both sides grows; and records
 * (page-records.ts) that make the files of pages.
 */
import { closeSync, openSync, readdirSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ZapError } from '../protocol/errors';
import { MapCursor } from '../checkpoint/memory-map';
import { parsePagemap, withAllPresent, type Pagemap } from '../criu/pagemap';
import { Pacer } from '../files/pacer';
import type { Sink } from '../files/frames';
import { pageBytes, ProcessMemory } from '../system/live-pages';
import { innerPid, namespaceMembers } from '../system/process';
import { UnwrittenPages } from '../system/tracked-pages';
import { PageAppender } from './page-appender';
import { RecordWriter } from './page-records';
import type { MemoryAhead } from './page-sync';

const readBytes = 1 << 20;
const flushPages = 32;
/** CRIU waits for answers meanwhile. */
const compareSliceMs = 1;
const compareBytes = 256 << 10;
/** Pages of which the kernel is asked at once: less than a millisecond. */
const askedPages = 1 << 13;

export function isPagesFile(name: string): boolean {
  return /^pages-\d+\.img$/.test(name);
}

export class FrozenMemory {
  private readonly pids: Map<number, number>;
  private readonly buffer = Buffer.allocUnsafeSlow(readBytes);
  private compared: Promise<void>;
  private isWanted = true;
  /** What had to be read to find out what has changed. */
  comparedPages = 0;

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
    const { store, map, tracking } = this.ahead;
    const appended = new PageAppender(store, changes);
    const pacer = new Pacer(this.signal, compareSliceMs);
    for (const [name, pieces] of map) {
      const pid = this.pids.get(name);
      using memory = pid === undefined ? undefined : ProcessMemory.open(pid);
      if (!memory) continue;
      using unwritten = tracking?.tracked.has(pid!) ? UnwrittenPages.open(pid!) : undefined;
      for (const { address, isExecutable, numbers } of pieces) {
        if (isExecutable) {
          numbers.fill(-1);
          continue;
        }
        for (const [first, count] of runsToCompare(numbers, (at, pages) => unwritten?.among(address + at * pageBytes, pages))) {
          for (let done = first; done < first + count; ) {
            if (!this.isWanted) return;
            const bytes = memory.read(address + done * pageBytes, Math.min(compareBytes, (first + count - done) * pageBytes), this.buffer);
            if (bytes.length === 0) {
              numbers.fill(-1, done, first + count);
              break;
            }
            const pages = bytes.length / pageBytes;
            store.renumber(numbers.subarray(done, done + pages), bytes);
            this.comparedPages += pages;
            done += pages;
            if (appended.pages >= flushPages) await appended.flush();
            if (pacer.isDue) await pacer.breathe();
          }
          if (pacer.isDue) await pacer.breathe();
        }
      }
    }
    await appended.flush();
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

/**
 * First and count of the pages whose content must be looked at: all that nobody vouches for, or that have no number. Asks `vouchedFor` piece by piece; runs of
 * no page say that another piece is done.
 */
export function* runsToCompare(numbers: Int32Array, vouchedFor: (at: number, pages: number) => Uint8Array | undefined): Generator<[first: number, count: number]> {
  for (let start = 0; start < numbers.length; start += askedPages) {
    const end = Math.min(numbers.length, start + askedPages);
    const vouched = vouchedFor(start, end - start);
    let first = start;
    for (let at = start; at < end; at++) {
      if (vouched?.[at - start] !== 1 || numbers[at]! < 0) continue;
      if (at > first) yield [first, at - first];
      first = at + 1;
    }
    yield [first, end - first];
  }
}
