/** Feeds a lane to a program's input, and knows how much of it the program's side has taken: what it has not, the other end may send again elsewhere. */
import type { Duplex, Writable } from 'node:stream';

export class InputFeed {
  /** Bytes that have been written; those still under way do not count. */
  bytes = 0;
  private underWay = 0;
  private isStopped = false;
  private onIdle: (() => void) | undefined;

  constructor(
    private readonly from: Duplex,
    private readonly to: Writable,
  ) {
    from.on('data', this.onData);
    to.on('drain', this.onDrain);
    to.once('close', () => this.onIdle?.());
  }

  /** Nothing more is fed; resolves when what is under way has been written, or can never be. */
  async stop(): Promise<void> {
    this.isStopped = true;
    this.from.off('data', this.onData);
    this.from.pause();
    this.to.off('drain', this.onDrain);
    if (this.underWay > 0 && !this.to.destroyed) await new Promise<void>((resolve) => (this.onIdle = resolve));
  }

  private readonly onData = (chunk: Buffer): void => {
    this.underWay++;
    const hasRoom = this.to.write(chunk, (error) => {
      this.underWay--;
      if (!error) this.bytes += chunk.length;
      if (this.underWay === 0) this.onIdle?.();
    });
    if (!hasRoom) this.from.pause();
  };

  private readonly onDrain = (): void => {
    if (!this.isStopped) this.from.resume();
  };
}
