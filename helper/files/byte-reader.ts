/** Takes given numbers of bytes from a stream of chunks. */
import { ZapError } from '../protocol/errors';

export class ByteReader {
  private readonly chunks: AsyncIterator<Buffer>;
  private rest: Buffer = Buffer.alloc(0);

  constructor(stream: AsyncIterable<Buffer>) {
    this.chunks = stream[Symbol.asyncIterator]();
  }

  /** Exactly so many bytes; a stream that ends before is an error. */
  async take(size: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let missing = size; missing > 0; ) {
      if (this.rest.length === 0 && !(await this.more())) throw new ZapError('environment/not-a-tar', 'The archive is cut off.', {});
      const part = this.rest.subarray(0, missing);
      this.rest = this.rest.subarray(part.length);
      missing -= part.length;
      parts.push(part);
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  async skip(size: number): Promise<void> {
    for (let missing = size; missing > 0; ) missing -= (await this.take(Math.min(missing, 256 * 1024))).length;
  }

  async isAtEnd(): Promise<boolean> {
    return this.rest.length === 0 && !(await this.more());
  }

  private async more(): Promise<boolean> {
    while (this.rest.length === 0) {
      const next = await this.chunks.next();
      if (next.done) return false;
      this.rest = next.value;
    }
    return true;
  }
}
