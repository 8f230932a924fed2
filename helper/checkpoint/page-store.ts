/**
 * Pages of memory by their content: each different one once, numbered in the order in which it was first seen.
 *
 * A 32-bit hash finds the candidate, a comparison of all its bytes decides: nothing rests on the hash being good.
 */
import { crc32 } from 'node:zlib';
import { pageBytes } from '../system/live-pages';
import type { KnownContent } from './page-content';

const segmentPages = 1024;
const maxCompared = 8;
const minTableSize = 1 << 12;

export class PageStore {
  private readonly segments: Buffer[] = [];
  /** Open addressing; a slot holds a page's number + 1, or 0. */
  private table = new Int32Array(minTableSize);
  private hashes = new Int32Array(minTableSize);
  count = 0;
  /** Pages that only the other side has had so far; 1: met here since. */
  private readonly met: Uint8Array;

  /** The first numbers are those of pages that the other side has already. */
  constructor(
    readonly maxPages = Infinity,
    private readonly known?: KnownContent,
  ) {
    this.met = new Uint8Array(known?.count ?? 0);
    while (this.count < this.met.length) {
      this.segments.push(Buffer.allocUnsafeSlow(segmentPages * pageBytes));
      this.count += Math.min(segmentPages, this.met.length - this.count);
    }
    let size = minTableSize;
    while (size < this.count * 2) size *= 2;
    this.grow(size);
  }

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
    if (found >= 0) return found;
    const known = this.known?.find(bytes, offset);
    if (known === undefined && this.isFull) return -1;
    if (known === undefined) this.append(bytes, offset);
    else this.meet(known, bytes, offset);
    const number = known ?? this.count - 1;
    if (slot < 0) return number;
    this.hashes[number] = hash;
    this.table[slot] = number + 1;
    if (this.count * 2 > this.table.length) this.grow(this.table.length * 2);
    return number;
  }

  /** The numbers of all pages whose content is here. */
  get present(): Int32Array {
    return Int32Array.from({ length: this.count }, (_, number) => number).filter((number) => this.met[number] !== 0);
  }

  private meet(number: number, bytes: Buffer, offset: number): void {
    bytes.copy(this.segments[Math.floor(number / segmentPages)]!, (number % segmentPages) * pageBytes, offset, offset + pageBytes);
    this.met[number] = 1;
  }

  /** Adds pages without looking whether they are there: their numbers are the sender's. */
  append(bytes: Buffer, offset: number): void {
    if (this.count % segmentPages === 0) this.segments.push(Buffer.allocUnsafeSlow(segmentPages * pageBytes));
    bytes.copy(this.segments.at(-1)!, (this.count % segmentPages) * pageBytes, offset, offset + pageBytes);
    this.count++;
  }

  /** For pages of which numbers are guessed, −1 where none is: puts the number of its content in the place of each, as `add` does. */
  renumber(numbers: Int32Array, bytes: Buffer): void {
    for (let index = 0; index < numbers.length; ) {
      const first = numbers[index]!;
      let run = 1;
      if (first >= 0) {
        const limit = this.together(first, numbers.length - index);
        while (run < limit && numbers[index + run] === first + run) run++;
        if (this.isSame(first, run, bytes, index * pageBytes)) {
          index += run;
          continue;
        }
      }
      for (const end = index + run; index < end; index++) {
        const number = numbers[index]!;
        if (number < 0 || !this.isSame(number, 1, bytes, index * pageBytes)) numbers[index] = this.add(bytes, index * pageBytes);
      }
    }
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

  /**
   * Where the page is, or would be. Of pages that share a hash, which somebody can make on purpose, a few are found again, and more have no slot (−1): with all of them in
   * the table, each would be compared with all before it.
   */
  private lookUp(bytes: Buffer, offset: number, hash: number): { found: number; slot: number } {
    const mask = this.table.length - 1;
    let compared = 0;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const number = this.table[slot]! - 1;
      if (number < 0) return { found: -1, slot };
      if (this.hashes[number] !== hash) continue;
      if (this.isSame(number, 1, bytes, offset)) return { found: number, slot };
      if (++compared === maxCompared) return { found: -1, slot: -1 };
    }
  }

  private grow(size: number): void {
    const before = this.table;
    this.table = new Int32Array(size);
    const hashes = new Int32Array(size);
    hashes.set(this.hashes);
    this.hashes = hashes;
    const mask = size - 1;
    for (const entry of before) {
      if (entry === 0) continue;
      let slot = hashes[entry - 1]! & mask;
      while (this.table[slot] !== 0) slot = (slot + 1) & mask;
      this.table[slot] = entry;
    }
  }
}

/** Of all its bytes: pages of a database differ in few of them, and those that the hash did not tell apart would be taken for new ones again and again. */
export function hashPage(bytes: Buffer, offset: number): number {
  return crc32(bytes.subarray(offset, offset + pageBytes)) | 0;
}
