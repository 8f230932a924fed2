/** Exactly so many bytes of a stream, or a failure within a time: for binary protocols. */
import type { Readable } from 'node:stream';
import { ZapError } from '../../helper/protocol/errors';

export class ByteReader {
  private chunks: Buffer[] = [];
  private available = 0;
  private failure: ZapError | undefined;
  private wake: (() => void) | undefined;
  private readonly timer: NodeJS.Timeout | undefined;

  private readonly onData = (chunk: Buffer): void => {
    this.chunks.push(chunk);
    this.available += chunk.length;
    this.stream.pause(); // until more is wanted: what is buffered here stays bounded by one chunk beyond the wish
    this.wake?.();
  };
  private readonly onEnd = (): void => this.fail(new ZapError('pod/display-broken', 'The stream ended in the middle.'));

  /** `timeoutMs` is for all that is read; without it there is all the time in the world. */
  constructor(
    private readonly stream: Readable,
    timeoutMs?: number,
  ) {
    stream.on('data', this.onData);
    stream.on('end', this.onEnd);
    stream.on('close', this.onEnd);
    if (timeoutMs === undefined) return;
    this.timer = setTimeout(() => this.fail(new ZapError('pod/display-broken', `The stream was not complete within ${timeoutMs / 1000} s.`)), timeoutMs);
  }

  async read(length: number): Promise<Buffer> {
    await this.fill(length);
    const all = this.chunks.length === 1 ? this.chunks[0]! : Buffer.concat(this.chunks);
    this.chunks = all.length > length ? [all.subarray(length)] : [];
    this.available -= length;
    return all.subarray(0, length);
  }

  async skip(length: number): Promise<void> {
    for (let left = length; left > 0; ) {
      const piece = Math.min(left, 64 << 10);
      await this.read(piece);
      left -= piece;
    }
  }

  stop(): void {
    clearTimeout(this.timer);
    this.stream.off('data', this.onData);
    this.stream.off('end', this.onEnd);
    this.stream.off('close', this.onEnd);
    this.stream.resume();
  }

  private async fill(length: number): Promise<void> {
    while (this.available < length) {
      if (this.failure) throw this.failure;
      const woken = new Promise<void>((resolve) => (this.wake = resolve));
      this.stream.resume();
      await woken;
    }
  }

  private fail(error: ZapError): void {
    this.failure ??= error;
    this.wake?.();
  }
}
