/**
 * Sends a running POD's memory ahead, so that the freeze only has to send what the target does not have yet.
 *
 * What changed is found by content, when the frozen memory is compared with what was sent; but what the kernel vouches for (WriteTracking) is not even read again.
 */
import { ZapError } from '../protocol/errors';
import { MapCursor, type MappedPages, type MemoryMap } from '../checkpoint/memory-map';
import { KnownContent } from '../checkpoint/page-content';
import { PageStore } from '../checkpoint/page-store';
import type { WriteTracking } from '../checkpoint/write-tracking';
import { Pacer } from '../files/pacer';
import { livePages, makeBuffers, pageBytes, ProcessMemory } from '../system/live-pages';
import { innerPid, namespaceMembers } from '../system/process';
import { scanAndProtect, type Span } from '../system/tracked-pages';
import type { Channel } from './channel';
import { PageAppender } from './page-appender';

const chunkPages = 64;
/** A further round pays while the last one still found more than this. */
const worthwhilePages = 2048;
const maxRounds = 3;
/** Rounds that read only what was written are cheap. */
const maxTrackedRounds = 6;
/** A program that writes as fast as it can be read gains nothing by another round. */
const convergence = 0.7;

/** What both sides have, and where it was seen last. */
export interface MemoryAhead {
  store: PageStore;
  map: MemoryMap;
  tracking?: WriteTracking | undefined;
}

interface RoundOptions {
  signal: AbortSignal;
  onBytes: (bytes: number) => void;
}

export async function sendLivePages(
  init: number,
  channel: Channel,
  options: RoundOptions & { maxBytes: number; known?: KnownContent | undefined; tracking?: WriteTracking | undefined },
): Promise<MemoryAhead> {
  const { tracking } = options;
  const ahead: MemoryAhead = { store: new PageStore(Math.floor(options.maxBytes / pageBytes), options.known), map: new Map(), tracking };
  let readBefore = Infinity;
  for (let round = 0; !ahead.store.isFull; round++) {
    const before = ahead.store.count;
    const read = await sendRound(init, channel, ahead, options);
    const isTracked = tracking !== undefined && tracking.tracked.size > 0;
    const isWorthwhile = ahead.store.count - before >= worthwhilePages || (isTracked && read >= worthwhilePages);
    if (!isWorthwhile || round + 1 >= (isTracked ? maxTrackedRounds : maxRounds) || (round >= maxRounds && read > readBefore * convergence)) break;
    readBefore = read;
  }
  return ahead;
}

/** Looks at all processes once more, with `isLast` only at those that are tracked; of these at what was written. Returns how many pages were read. */
export async function sendRound(init: number, channel: Channel, ahead: MemoryAhead, options: RoundOptions & { isLast?: boolean }): Promise<number> {
  await channel.send({ type: 'pages' });
  const sink = channel.sink();
  await ahead.tracking?.extend();
  const spans = protectTracked(ahead.tracking);
  await ahead.tracking?.settle();
  const round = new Round(ahead, new PageAppender(ahead.store, sink, options.onBytes), new Pacer(options.signal));
  for (const pid of namespaceMembers(init)) {
    const name = innerPid(pid);
    if (name === undefined) continue;
    const tracked = spans.get(pid);
    if (tracked) await round.readInDoubt(pid, name, tracked);
    else if (options.isLast) round.keep(name);
    else await round.readAll(pid, name);
  }
  ahead.map = await round.finish();
  await sink.end();
  return round.pages;
}

function protectTracked(tracking: WriteTracking | undefined): Map<number, Span[]> {
  const spans = new Map<number, Span[]>();
  for (const pid of tracking?.tracked ?? []) {
    try {
      spans.set(pid, scanAndProtect(pid));
    } catch (error) {
      tracking!.leave(pid, (error as Error).message);
    }
  }
  return spans;
}

class Round {
  private readonly map: MemoryMap = new Map();
  private readonly buffers = makeBuffers();
  pages = 0;

  constructor(
    private readonly ahead: MemoryAhead,
    private readonly appended: PageAppender,
    private readonly pacer: Pacer,
  ) {}

  async readAll(pid: number, name: number): Promise<void> {
    const pieces: MappedPages[] = [];
    this.map.set(name, pieces);
    const cursor = this.cursorOf(name);
    for (const { address, isExecutable, isSharedMemory, bytes } of livePages(pid, this.buffers)) {
      const numbers = guess(cursor, address, bytes.length / pageBytes);
      this.ahead.store.renumber(numbers, bytes);
      this.pages += numbers.length;
      if (!isSharedMemory) pieces.push({ address, isExecutable, numbers }); // shared memory is no process's own
      await this.pause();
    }
  }

  async readInDoubt(pid: number, name: number, spans: readonly Span[]): Promise<void> {
    const pieces: MappedPages[] = [];
    this.map.set(name, pieces);
    const cursor = this.cursorOf(name);
    using memory = ProcessMemory.open(pid);
    if (!memory) return;
    for (const { address, pages, isExecutable, isSharedMemory, inDoubt } of spans) {
      const numbers = guess(cursor, address, pages);
      for (const [first, count] of runsToRead(numbers, inDoubt)) await this.read(memory, address, numbers.subarray(first, first + count), first);
      if (!isSharedMemory) pieces.push({ address, isExecutable, numbers });
    }
  }

  keep(name: number): void {
    this.map.set(name, this.ahead.map.get(name) ?? []);
  }

  async finish(): Promise<MemoryMap> {
    await this.appended.flush();
    return this.map;
  }

  private async read(memory: ProcessMemory, address: number, numbers: Int32Array, first: number): Promise<void> {
    for (let done = 0; done < numbers.length; ) {
      const bytes = memory.read(address + (first + done) * pageBytes, (numbers.length - done) * pageBytes, this.buffers.content);
      if (bytes.length === 0) {
        numbers.fill(-1, done);
        return;
      }
      const count = bytes.length / pageBytes;
      this.ahead.store.renumber(numbers.subarray(done, done + count), bytes);
      this.pages += count;
      done += count;
      await this.pause();
    }
  }

  private cursorOf(name: number): MapCursor {
    return new MapCursor(this.ahead.map.get(name) ?? []);
  }

  private async pause(): Promise<void> {
    if (this.appended.pages >= chunkPages) await this.appended.flush();
    if (this.pacer.isDue) await this.pacer.breathe();
  }
}

/** First and count of pages that are in doubt or that nothing is known of. */
export function* runsToRead(numbers: Int32Array, inDoubt: readonly number[]): Generator<[first: number, count: number]> {
  let at = 0;
  for (let run = 0; run <= inDoubt.length; run += 2) {
    const [doubtful, count] = run < inDoubt.length ? [inDoubt[run]!, inDoubt[run + 1]!] : [numbers.length, 0];
    while (at < doubtful) {
      const first = numbers.subarray(at, doubtful).indexOf(-1);
      if (first < 0) break;
      at += first;
      const start = at;
      while (at < doubtful && numbers[at]! < 0) at++;
      yield [start, at - start];
    }
    if (count > 0) yield [doubtful, count];
    at = doubtful + count;
  }
}

/** What was at these addresses when they were last looked at. */
function guess(cursor: MapCursor, address: number, pages: number): Int32Array {
  const numbers = new Int32Array(pages).fill(-1);
  for (let done = 0; done < pages; ) {
    const { number, run } = cursor.at(address + done * pageBytes, pages - done, pageBytes);
    if (number >= 0) for (let index = 0; index < run; index++) numbers[done + index] = number + index;
    done += run;
  }
  return numbers;
}

/** Tells which of the pages that were sent ahead each process has, and in which order: `prefillPages` makes files of it. */
export async function sendMemoryMap(map: MemoryMap, channel: Channel): Promise<void> {
  await channel.send({ type: 'memory-map' });
  const sink = channel.sink();
  for (const [pid, pieces] of map) {
    const runs: number[] = [];
    for (const { numbers } of pieces) {
      for (const number of numbers) {
        if (number < 0) continue;
        const last = runs.length - 2;
        if (last >= 0 && number === runs[last]! + runs[last + 1]!) runs[last + 1] = runs[last + 1]! + 1;
        else runs.push(number, 1);
      }
    }
    if (runs.length > 0) await sink.write(Buffer.from(Uint32Array.from([pid, runs.length / 2, ...runs]).buffer));
  }
  await sink.end();
}

/** The receiving side: pages in the order of their numbers. */
export async function receivePages(chunks: AsyncIterable<Buffer>, store: PageStore): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let offset = 0;
    for (; offset + pageBytes <= bytes.length; offset += pageBytes) {
      if (store.isFull) throw new ZapError('move/too-many-pages', 'The other host sent more memory ahead than was agreed.');
      store.append(bytes, offset);
    }
    rest = bytes.subarray(offset);
  }
}

/** What the target says that it has kept, in the order of its numbers. */
export async function receiveKnown(chunks: AsyncIterable<Buffer>, maxPages: number): Promise<KnownContent> {
  const known = new KnownContent();
  for await (const chunk of chunks) {
    known.add(chunk);
    if (known.count > maxPages) throw new ZapError('move/too-many-pages', 'The other host says that it has more memory of the POD than it has room for.');
  }
  return known;
}
