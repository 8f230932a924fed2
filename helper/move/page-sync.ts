/**
 * Sends a running POD's memory ahead, so that the freeze only has to send what the target does not have yet.
 *
 * Needs no tracking by the kernel: what changed is found by content, when the frozen memory is compared with what was sent.
 */
import { ZapError } from '../protocol/errors';
import { MapCursor, type MappedPages, type MemoryMap } from '../checkpoint/memory-map';
import { KnownContent } from '../checkpoint/page-content';
import { PageStore } from '../checkpoint/page-store';
import { Pacer } from '../files/pacer';
import { livePages, makeBuffers, pageBytes } from '../system/live-pages';
import { innerPid, namespaceMembers } from '../system/process';
import type { Channel } from './channel';
import { PageAppender } from './page-appender';

const chunkPages = 64;
/** A further round pays while the last one still found more than this. */
const worthwhilePages = 2048;
const maxRounds = 3;

/** What both sides have, and where it was seen last. */
export interface MemoryAhead {
  store: PageStore;
  map: MemoryMap;
}

export async function sendLivePages(init: number, channel: Channel, options: { maxBytes: number; known?: KnownContent | undefined; signal: AbortSignal; onBytes: (bytes: number) => void }): Promise<MemoryAhead> {
  const store = new PageStore(Math.floor(options.maxBytes / pageBytes), options.known);
  let map: MemoryMap = new Map();
  for (let round = 0; round < maxRounds && !store.isFull; round++) {
    const before = store.count;
    map = await sendRound(init, channel, store, map, options);
    if (store.count - before < worthwhilePages) break;
  }
  return { store, map };
}

async function sendRound(init: number, channel: Channel, store: PageStore, before: MemoryMap, options: { signal: AbortSignal; onBytes: (bytes: number) => void }): Promise<MemoryMap> {
  await channel.send({ type: 'pages' });
  const sink = channel.sink();
  const pacer = new Pacer(options.signal);
  const buffers = makeBuffers();
  const appended = new PageAppender(store, sink, options.onBytes);
  const map: MemoryMap = new Map();
  for (const pid of namespaceMembers(init)) {
    const name = innerPid(pid);
    if (name === undefined) continue;
    const pieces: MappedPages[] = [];
    map.set(name, pieces);
    const cursor = new MapCursor(before.get(name) ?? []);
    for (const { address, isExecutable, isSharedMemory, bytes } of livePages(pid, buffers)) {
      const numbers = guess(cursor, address, bytes.length / pageBytes);
      store.renumber(numbers, bytes);
      if (!isSharedMemory) pieces.push({ address, isExecutable, numbers }); // shared memory is no process's own
      if (appended.pages >= chunkPages) await appended.flush();
      if (pacer.isDue) await pacer.breathe();
    }
  }
  await appended.flush();
  await sink.end();
  return map;
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
