/** One byte stream of a call. It sends no more than its other end has granted, and grants what has been taken from it. */
import { Duplex } from 'node:stream';
import { ZapError } from './errors';
import { frameTypes, maxDataBytes, type FrameType } from './wire-frames';

const defaultWindowBytes = 1 << 20;

export class Lane extends Duplex {
  private windowBytes = defaultWindowBytes;
  private credit = defaultWindowBytes;
  private toGrant = 0;
  private received = 0;
  private waiting: { chunk: Buffer; done: (error?: Error | null) => void } | undefined;

  constructor(private readonly sendFrame: (type: FrameType, payload: Buffer) => void) {
    super({ allowHalfOpen: true });
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.waiting = { chunk, done };
    this.pump();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.sendFrame(frameTypes.end, Buffer.alloc(0));
    done();
  }

  override _read(): void {
    this.grant();
  }

  receive(chunk: Buffer): void {
    this.received += chunk.length;
    if (this.received > defaultWindowBytes) throw new ZapError('internal/protocol', 'A peer sent more bytes than it was granted.');
    this.toGrant += chunk.length;
    if (this.readableEnded || this.destroyed || this.push(chunk)) this.grant();
  }

  receiveEnd(): void {
    if (!this.destroyed) this.push(null);
  }

  narrow(windowBytes: number): void {
    this.credit -= this.windowBytes - windowBytes;
    this.windowBytes = windowBytes;
  }

  receiveCredit(bytes: number): void {
    this.credit += bytes;
    this.pump();
  }

  private grant(): void {
    if (this.toGrant === 0) return;
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(this.toGrant);
    this.received -= this.toGrant;
    this.toGrant = 0;
    this.sendFrame(frameTypes.credit, payload);
  }

  private pump(): void {
    while (this.waiting && this.credit > 0) {
      const { chunk, done } = this.waiting;
      const piece = chunk.subarray(0, Math.min(chunk.length, this.credit, maxDataBytes));
      this.credit -= piece.length;
      const isWhole = piece.length === chunk.length;
      if (isWhole) this.waiting = undefined;
      else this.waiting.chunk = chunk.subarray(piece.length);
      this.sendFrame(frameTypes.data, piece); // may bring its credit, and so us, back before it returns
      if (isWhole) done();
    }
  }
}
