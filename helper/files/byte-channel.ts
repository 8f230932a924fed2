/** Joins a writer of chunks to a reader of chunks in this process; the writer waits until the reader has taken each. */
import type { Sink } from './frames';

export class ByteChannel implements Sink, AsyncIterable<Buffer> {
  private chunk: Buffer | undefined;
  private isEnded = false;
  private failure: { error: unknown } | undefined;
  private wake: () => void = () => {};

  async write(chunk: Buffer): Promise<void> {
    this.chunk = chunk;
    this.wake();
    await this.until(() => this.chunk === undefined);
  }

  end(): void {
    this.isEnded = true;
    this.wake();
  }

  /** Ends both sides with an error; the first one counts. */
  fail(error: unknown): void {
    this.failure ??= { error };
    this.wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    for (;;) {
      await this.until(() => this.chunk !== undefined || this.isEnded);
      const { chunk } = this;
      if (chunk === undefined) return;
      this.chunk = undefined;
      this.wake();
      yield chunk;
    }
  }

  /** One side waits at a time, for the other: one waker is enough. */
  private async until(isReady: () => boolean): Promise<void> {
    for (;;) {
      if (this.failure) throw this.failure.error;
      if (isReady()) return;
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}
