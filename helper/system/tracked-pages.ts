/**
 * The memory of a process whose writes the kernel tracks, and what the kernel vouches for.
 *
 * Doubt counts as change: a page is unchanged only where its area is being tracked, it is there, and the kernel says that it has not been written since a scan
 * protected it. Areas that are new, were moved, belong to another program by now or were never tracked, pages that are swapped out: all in doubt.
 */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { pageBytes, parseMaps, presentRanges, type Mapping } from './live-pages';
import { makeScanBuffers, page, scanPages, type ScanBuffers } from './pagemap-scan';

/** Scanned at once, since the process can make no mapping meanwhile: some milliseconds. */
const chunkBytes = 64 << 20;

/** Pages that lie together. */
export interface Span {
  address: number;
  pages: number;
  isExecutable: boolean;
  isSharedMemory: boolean;
  /** Runs of those that may have changed since the last scan, as first and count by turns, in pages from `address` on. */
  inDoubt: number[];
}

/** What a process has, and from now on its writes are seen by the next scan. Nothing of a process that has ended. */
export function scanAndProtect(pid: number): Span[] {
  const spans: Span[] = [];
  let pagemap = -1;
  try {
    const mappings = parseMaps(readFileSync(`/proc/${pid}/maps`, 'latin1'));
    pagemap = openSync(`/proc/${pid}/pagemap`, 'r');
    const buffers = makeScanBuffers();
    for (const mapping of mappings) {
      if (!mapping.isPrivateMemory) addAll(spans, pagemap, mapping, buffers);
      else for (let start = mapping.start; start < mapping.end; start += chunkBytes) addTracked(spans, pagemap, { ...mapping, start, end: Math.min(mapping.end, start + chunkBytes) }, buffers);
    }
  } catch (error) {
    if (!hasEnded(error)) throw error;
  } finally {
    if (pagemap >= 0) closeSync(pagemap);
  }
  return spans;
}

function addTracked(spans: Span[], pagemap: number, mapping: Mapping, buffers: ScanBuffers): void {
  const found: { start: number; end: number; isSure: boolean }[] = [];
  try {
    const query = { all: 0n, none: page.isFile | page.isZero, any: page.isPresent | page.isSwapped, told: page.isPresent | page.isWritten, isProtecting: true };
    for (const { start, end, kinds } of scanPages(pagemap, mapping, query, buffers)) found.push({ start, end, isSure: (kinds & query.told) === page.isPresent });
  } catch {
    return addAll(spans, pagemap, mapping, buffers); // not tracked, not all of it, or not any more
  }
  for (const { start, end, isSure } of found) add(spans, mapping, start, end, isSure);
}

function addAll(spans: Span[], pagemap: number, mapping: Mapping, buffers: ScanBuffers): void {
  for (const [start, end] of presentRanges(pagemap, mapping, buffers)) add(spans, mapping, start, end, false);
}

function add(spans: Span[], { isExecutable, isSharedMemory }: Mapping, start: number, end: number, isSure: boolean): void {
  const pages = (end - start) / pageBytes;
  let last = spans.at(-1);
  if (!last || last.address + last.pages * pageBytes !== start || last.isExecutable !== isExecutable || last.isSharedMemory !== isSharedMemory) {
    last = { address: start, pages: 0, isExecutable, isSharedMemory, inDoubt: [] };
    spans.push(last);
  }
  if (!isSure) addRun(last.inDoubt, last.pages, pages);
  last.pages += pages;
}

function addRun(runs: number[], first: number, count: number): void {
  const at = runs.length - 2;
  if (at >= 0 && first === runs[at]! + runs[at + 1]!) runs[at + 1]! += count;
  else runs.push(first, count);
}

/** Says of a process that stands still which of its pages have not been written since the last scan. */
export class UnwrittenPages implements Disposable {
  private readonly buffers = makeScanBuffers();

  private constructor(private readonly pagemap: number) {}

  static open(pid: number): UnwrittenPages | undefined {
    try {
      return new UnwrittenPages(openSync(`/proc/${pid}/pagemap`, 'r'));
    } catch (error) {
      if (hasEnded(error)) return undefined;
      throw error;
    }
  }

  /** For each page from `address` on: 1 where the kernel vouches for it. */
  among(address: number, pages: number): Uint8Array {
    const unwritten = new Uint8Array(pages);
    const query = { all: page.canBeProtected | page.isPresent, none: page.isWritten | page.isFile | page.isZero | page.isSwapped, any: 0n, told: page.isPresent };
    try {
      for (const { start, end } of scanPages(this.pagemap, { start: address, end: address + pages * pageBytes }, query, this.buffers)) unwritten.fill(1, (start - address) / pageBytes, (end - address) / pageBytes);
    } catch {
      unwritten.fill(0);
    }
    return unwritten;
  }

  [Symbol.dispose](): void {
    closeSync(this.pagemap);
  }
}

/** Asynchronous I/O goes on when its call has returned, and writes behind a page's protection. */
export function usesAsynchronousIo(pid: number): boolean {
  try {
    return /^\S+ \S+ \S+ \S+ \S+ *\/\[aio\]/m.test(readFileSync(`/proc/${pid}/maps`, 'latin1'));
  } catch (error) {
    return !hasEnded(error);
  }
}

function hasEnded(error: unknown): boolean {
  return ['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '');
}
