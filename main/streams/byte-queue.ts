/** Bytes that have arrived and are not taken yet, in one piece: what is parsed from it may lie across chunks. */
const FIRST_CAPACITY_BYTES = 64 << 10;

export class ByteQueue {
  private buffer = Buffer.allocUnsafe(FIRST_CAPACITY_BYTES);
  private start = 0;
  private end = 0;

  get length(): number {
    return this.end - this.start;
  }

  /** All of it, until the next `push`. May be written to. */
  get bytes(): Buffer {
    return this.buffer.subarray(this.start, this.end);
  }

  push(chunk: Uint8Array): void {
    if (this.length === 0) this.start = this.end = 0;
    if (this.end + chunk.length > this.buffer.length) this.makeRoom(chunk.length);
    this.buffer.set(chunk, this.end);
    this.end += chunk.length;
  }

  skip(bytes: number): void {
    this.start += bytes;
  }

  clear(): void {
    this.start = this.end = 0;
  }

  private makeRoom(bytes: number): void {
    const needed = this.length + bytes;
    const target = needed > this.buffer.length / 2 ? Buffer.allocUnsafe(needed * 2) : this.buffer;
    this.buffer.copy(target, 0, this.start, this.end);
    this.end -= this.start;
    this.start = 0;
    this.buffer = target;
  }
}
