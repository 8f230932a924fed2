/**
 * Records that make files of pages, one after the other, out of pages that both sides have and of pages that come along. Little endian, u32 each:
 *
 *   file, 0, pid        the file begins; what was laid out for the process `pid` (0: none) is a good guess at its content
 *   file, count, first  so many pages of the store, from number `first` on
 *   file, top bit | n   n pages of content follow
 */
import { ZapError } from '../protocol/errors';
import type { Sink } from '../files/frames';
import { pageBytes } from '../system/live-pages';

export const literalFlag = 0x80000000;
export const maxRun = 1 << 20;
const flushBytes = 128 << 10;

/** Neighbours become one record. */
export class RecordWriter {
  pages = 0;
  private file = 0;
  private runFirst = 0;
  private runCount = 0;
  /** Where the record of content stands that is still growing; 0: none is. */
  private literalEnd = 0;
  private literalStart = 0;
  private out = Buffer.allocUnsafeSlow(flushBytes);
  private used = 0;

  constructor(private readonly sink: Sink) {}

  get isFull(): boolean {
    return this.used >= flushBytes / 2;
  }

  begin(file: number, pid: number): void {
    this.endRun();
    this.file = file;
    this.put(0, pid);
  }

  known(first: number, count: number): void {
    this.pages += count;
    if (this.runCount > 0 && this.runFirst + this.runCount === first && this.runCount + count <= maxRun) {
      this.runCount += count;
      return;
    }
    this.endRun();
    this.runFirst = first;
    this.runCount = count;
  }

  /** Whole pages, copied. */
  content(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.endRun();
    const pages = bytes.length / pageBytes;
    this.pages += pages;
    if (this.literalEnd !== this.used || this.used === 0) {
      this.literalStart = this.used;
      this.put(literalFlag);
    }
    const grown = this.out.readUInt32LE(this.literalStart + 4) + pages;
    this.out.writeUInt32LE(grown, this.literalStart + 4);
    this.reserve(bytes.length);
    bytes.copy(this.out, this.used);
    this.used += bytes.length;
    this.literalEnd = this.used;
  }

  async flush(): Promise<void> {
    this.endRun();
    if (this.used === 0) return;
    const bytes = this.out.subarray(0, this.used);
    this.out = Buffer.allocUnsafeSlow(flushBytes);
    this.used = 0;
    this.literalEnd = 0;
    await this.sink.write(bytes);
  }

  private endRun(): void {
    if (this.runCount > 0) this.put(this.runCount, this.runFirst);
    this.runCount = 0;
  }

  private put(value: number, last?: number): void {
    this.reserve(12);
    this.out.writeUInt32LE(this.file, this.used);
    this.out.writeUInt32LE(value, this.used + 4);
    if (last !== undefined) this.out.writeUInt32LE(last, this.used + 8);
    this.used += last === undefined ? 8 : 12;
  }

  private reserve(bytes: number): void {
    if (this.used + bytes <= this.out.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.used + bytes, this.out.length * 2));
    this.out.copy(larger, 0, 0, this.used);
    this.out = larger;
  }
}

export function broken(): ZapError {
  return new ZapError('checkpoint/broken-pages', 'The memory that was sent does not fit what was sent before.', { hint: 'Try the move again.' });
}
