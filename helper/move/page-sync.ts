/**
 * Sends a running POD's memory ahead, so that the freeze only has to send what the target does not have yet.
 *
 * Needs no tracking by the kernel: what changed is found by content, when the frozen pages are compared with what was sent.
 */
import { ZapError } from '../protocol/errors';
import { PageStore } from '../checkpoint/page-store';
import { Pacer } from '../files/pacer';
import { livePages, makeBuffers, pageBytes } from '../system/live-pages';
import { namespaceMembers } from '../system/process';
import type { Channel } from './channel';

const chunkPages = 64;
/** A further round pays while the last one still found more than this. */
const worthwhilePages = 2048;
const maxRounds = 3;

/** Sends what is there; returns the store that both sides have then. */
export async function sendLivePages(init: number, channel: Channel, options: { maxBytes: number; signal: AbortSignal; onBytes: (bytes: number) => void }): Promise<PageStore> {
  const store = new PageStore(Math.floor(options.maxBytes / pageBytes));
  for (let round = 0; round < maxRounds && !store.isFull; round++) {
    const before = store.count;
    await sendRound(init, channel, store, options);
    if (store.count - before < worthwhilePages) break;
  }
  return store;
}

async function sendRound(init: number, channel: Channel, store: PageStore, options: { signal: AbortSignal; onBytes: (bytes: number) => void }): Promise<void> {
  await channel.send({ type: 'pages' });
  const sink = channel.sink();
  const pacer = new Pacer(options.signal);
  const buffers = makeBuffers();
  let first = store.count;
  const flush = async (): Promise<void> => {
    while (first < store.count) {
      const bytes = store.read(first, store.count - first);
      first += bytes.length / pageBytes;
      await sink.write(bytes);
      options.onBytes(bytes.length);
    }
  };
  for (const pid of namespaceMembers(init)) {
    for (const piece of livePages(pid, buffers)) {
      for (let offset = 0; offset < piece.length; offset += pageBytes) store.addIfNew(piece, offset);
      if (store.count - first >= chunkPages) await flush();
      if (pacer.isDue) await pacer.breathe();
    }
  }
  await flush();
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
