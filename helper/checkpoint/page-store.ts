/**
 * Pages of memory by their content: each different one once, numbered in the order in which it was first seen.
 *
 * A 32-bit hash finds the candidate, a comparison of all its bytes decides: nothing rests on the hash being good.
 */
import { pageBytes } from '../system/live-pages';

const segmentPages = 1024;
const maxCompared = 8;
const minTableSize = 1 << 12;

export class PageStore {
  private readonly segments: Buffer[] = [];
  /** Open addressing; a slot holds a page's number + 1, or 0. */
  private table = new Int32Array(minTableSize);
  private hashes = new Int32Array(minTableSize);
  count = 0;

  constructor(readonly maxPages = Infinity) {}

  get isFull(): boolean {
    return this.count >= this.maxPages;
  }

  /** The number of the page with this content, or −1. */
  find(bytes: Buffer, offset: number): number {
    return this.lookUp(bytes, offset, hashPage(bytes, offset)).found;
  }

  /** The number of the page with this content, which is added if it is new; −1 when there is no more room. */
  add(bytes: Buffer, offset: number): number {
    const hash = hashPage(bytes, offset);
    const { found, slot } = this.lookUp(bytes, offset, hash);
    if (found >= 0 || this.isFull) return found;
    this.append(bytes, offset);
    this.hashes[this.count - 1] = hash;
    this.table[slot] = this.count;
    if (this.count * 2 > this.table.length) this.grow();
    return this.count - 1;
  }

  /** Adds pages without looking whether they are there: their numbers are the sender's. */
  append(bytes: Buffer, offset: number): void {
    if (this.count % segmentPages === 0) this.segments.push(Buffer.allocUnsafeSlow(segmentPages * pageBytes));
    bytes.copy(this.segments.at(-1)!, (this.count % segmentPages) * pageBytes, offset, offset + pageBytes);
    this.count++;
  }

  /** The bytes of a run of pages, as far as they lie together: at least the first, perhaps fewer than asked for. */
  read(first: number, count: number): Buffer {
    const at = first % segmentPages;
    const pages = this.together(first, count);
    return this.segments[Math.floor(first / segmentPages)]!.subarray(at * pageBytes, (at + pages) * pageBytes);
  }

  /** Whether `count` pages from number `first` on, which must lie together (`together`), have this content. */
  isSame(first: number, count: number, bytes: Buffer, offset: number): boolean {
    const at = (first % segmentPages) * pageBytes;
    const size = count * pageBytes;
    return this.segments[Math.floor(first / segmentPages)]!.compare(bytes, offset, offset + size, at, at + size) === 0;
  }

  /** How many of `count` pages from number `first` on lie together. */
  together(first: number, count: number): number {
    return Math.min(count, segmentPages - (first % segmentPages));
  }

  private lookUp(bytes: Buffer, offset: number, hash: number): { found: number; slot: number } {
    const mask = this.table.length - 1;
    let compared = 0;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const number = this.table[slot]! - 1;
      if (number < 0) return { found: -1, slot };
      // Pages that differ only where the hash does not look share it; more than a few of them are not worth the time.
      if (this.hashes[number] === hash && compared++ < maxCompared && this.isSame(number, 1, bytes, offset)) return { found: number, slot };
    }
  }

  private grow(): void {
    this.table = new Int32Array(this.table.length * 2);
    const hashes = new Int32Array(this.table.length);
    hashes.set(this.hashes);
    this.hashes = hashes;
    const mask = this.table.length - 1;
    for (let number = 0; number < this.count; number++) {
      let slot = hashes[number]! & mask;
      while (this.table[slot] !== 0) slot = (slot + 1) & mask;
      this.table[slot] = number + 1;
    }
  }
}

/**
 * Looks at every fourth word, a different one of each four: hashing a frozen POD's memory must not take longer than comparing it. `offset` must be a
 * multiple of 4 in memory, as pages in page-aligned buffers are.
 */
export function hashPage(bytes: Buffer, offset: number): number {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + offset, pageBytes / 4);
  let a = 0x9e3779b1 | 0;
  let b = 0x85ebca77 | 0;
  for (let index = 0; index < words.length; index += 8) {
    const within = (index >> 3) & 3;
    a = Math.imul(a ^ words[index + within]!, 0xcc9e2d51);
    b = Math.imul(b ^ words[index + 4 + within]!, 0x1b873593);
    a ^= a >>> 15;
    b ^= b >>> 13;
  }
  const mixed = Math.imul(a ^ (b << 7) ^ (b >>> 9), 0x85ebca6b);
  return mixed ^ (mixed >>> 16);
}
