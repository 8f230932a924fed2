/**
 * CRIU's pagemap images: which pages of a process a checkpoint holds, in the order in which their contents follow each other in a file of pages.
 *
 * Read by hand: a browser has tens of thousands of entries, and somebody waits.
 */
import { ZapError } from '../protocol/errors';
import { readImage } from './images';

/** Flags of an entry (criu/include/pagemap.h). */
const PE_LAZY = 2;
const PE_PRESENT = 4;
/** 16 MiB */
const leastLazyPages = 4096;

export interface PagemapEntry {
  address: number;
  pages: number;
  /** A restore may leave them out, to be put in place when the process runs. */
  isLazy: boolean;
}

export interface Pagemap {
  /** N of the `pages-N.img` that belongs to it. */
  pagesId: number;
  entries: PagemapEntry[];
}

const fieldNumbers = { pagesId: 1, address: 1, compatiblePages: 2, flags: 4, pages: 5 } as const;

export function parsePagemap(bytes: Buffer): Pagemap {
  const [head, ...entries] = readImage(bytes).entries;
  const pagesId = head && varints(head).get(fieldNumbers.pagesId)?.value;
  if (pagesId === undefined) throw unreadable();
  return {
    pagesId,
    entries: entries.map((entry) => {
      const found = varints(entry);
      const address = found.get(fieldNumbers.address)?.value;
      const pages = (found.get(fieldNumbers.pages) ?? found.get(fieldNumbers.compatiblePages))?.value;
      if (address === undefined || pages === undefined) throw unreadable();
      return { address, pages, isLazy: ((found.get(fieldNumbers.flags)?.value ?? 0) & PE_LAZY) !== 0 };
    }),
  };
}

/**
 * The same pagemap when all of its pages are in the file of pages: what CRIU left out as lazy has been put there. It stays lazy only where there is much of it: a
 * restore that copies few pages costs next to nothing, and keeps what processes share with those that they were forked from.
 */
export function withAllPresent(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  const entries = readImage(changed).entries.slice(1).map((entry) => ({ entry, found: varints(entry) }));
  const isLazy = ({ found }: (typeof entries)[number]): boolean => ((found.get(fieldNumbers.flags)?.value ?? 0) & PE_LAZY) !== 0;
  const lazyPages = entries.filter(isLazy).reduce((sum, { found }) => sum + (found.get(fieldNumbers.pages) ?? found.get(fieldNumbers.compatiblePages))!.value, 0);
  for (const { entry, found } of entries) {
    const flags = found.get(fieldNumbers.flags);
    if (flags) entry[flags.at] = (entry[flags.at]! | PE_PRESENT) & (lazyPages < leastLazyPages ? ~PE_LAZY : 0xff);
  }
  return changed;
}

/** All fields of these messages are numbers. */
function varints(message: Buffer): Map<number, { value: number; at: number }> {
  const fields = new Map<number, { value: number; at: number }>();
  let at = 0;
  const next = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      if (at >= message.length || scale > 2 ** 56) throw unreadable();
      const byte = message[at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = next();
    if ((tag & 7) !== 0) throw unreadable();
    const start = at;
    fields.set(tag >>> 3, { value: next(), at: start });
  }
  return fields;
}

function unreadable(): ZapError {
  return new ZapError('criu/image-unreadable', 'A pagemap of a checkpoint cannot be read.', { hint: 'CRIU 4.2 or a later 4.x is needed.' });
}
