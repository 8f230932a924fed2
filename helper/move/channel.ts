/**
 * The data channel between two hosts: messages and byte streams, in order.
 *
 * Frame: u32 length, u8 kind (0 message, 1 chunk, 2 end of chunks, 3 sign of life, 4 packed chunk: u32 of its bytes unpacked, then these), payload. Streams
 * follow the message that announces them, so that both ends always know what comes next.
 */
import type { Duplex } from 'node:stream';
import type { z } from 'zod';
import type { Sink } from '../files/frames';
import { ZapError } from '../protocol/errors';
import { release } from '../system/release';
import { Compression } from './compression';
import { Throttle } from './throttle';

const kinds = { message: 0, chunk: 1, end: 2, alive: 3, packed: 4 } as const;
const headerBytes = 5;
const maxMessageBytes = 1 << 20;
const maxChunkBytes = 8 << 20;
const pieceBytes = 256 << 10;
/** A cable that is cut tells nobody: both ends show that they are there, and a POD does not stand still for longer than this for one that is not. */
const patience = { aliveEveryMs: 1500, silenceMs: 8000 };

const aliveFrame = Buffer.from([0, 0, 0, 0, kinds.alive]);

/** Bytes that follow a message; `end` closes the stream, not the channel. */
export interface ChannelSink extends Sink {
  end(): Promise<void>;
}

export class Channel {
  private buffered: Buffer[] = [];
  private bufferedBytes = 0;
  private failure: Error | undefined;
  private wake: (() => void) | undefined;
  private readonly compression = new Compression();
  private throttle: Throttle | undefined;
  sentBytes = 0;
  receivedBytes = 0;

  constructor(private readonly stream: Duplex, { aliveEveryMs, silenceMs } = patience) {
    let heardMs = performance.now();
    const pulse = setInterval(() => {
      if (!stream.writableNeedDrain) this.stream.write(aliveFrame);
      // What waits to be read is as good as heard; a late timer means that it was this end that slept.
      if (stream.isPaused() || performance.now() - tickMs > 2 * aliveEveryMs) heardMs = performance.now();
      else if (performance.now() - heardMs > silenceMs) stream.destroy(new ZapError('move/channel-lost', `Nothing was heard from the other host for ${silenceMs / 1000} s.`));
      tickMs = performance.now();
    }, aliveEveryMs);
    let tickMs = performance.now();
    stream.once('close', () => clearInterval(pulse));
    stream.on('data', (chunk: Buffer) => {
      heardMs = performance.now();
      this.buffered.push(chunk);
      this.bufferedBytes += chunk.length;
      this.receivedBytes += chunk.length;
      if (this.bufferedBytes > 4 << 20) stream.pause();
      this.wake?.();
    });
    const fail = (cause?: unknown): void => {
      this.failure ??= new ZapError('move/channel-lost', 'The data channel between the two hosts was cut.', { cause });
      this.wake?.();
    };
    stream.on('error', fail);
    stream.on('end', fail);
    stream.on('close', fail);
  }

  get isOpen(): boolean {
    return this.failure === undefined;
  }

  async send(message: { readonly type: string; readonly [key: string]: unknown }): Promise<void> {
    await this.write(kinds.message, Buffer.from(JSON.stringify(message)));
  }

  /** The next message, which must be one that `schema` allows; a refusal of the peer is thrown as its error. */
  async receive<Schema extends z.ZodType>(schema: Schema, signal?: AbortSignal): Promise<z.infer<Schema>> {
    const { kind, length } = await this.header(signal);
    if (kind !== kinds.message) throw protocolError('a stream where a message was due');
    const payload = await this.bytes(length, signal);
    let value: unknown;
    try {
      value = JSON.parse(payload.toString());
    } catch (cause) {
      throw protocolError('a message that is not JSON', cause);
    }
    const refusal = value as { type?: unknown; error?: { code: string; message: string } };
    if (refusal.type === 'failed' && refusal.error) throw ZapError.fromWire(refusal.error);
    const parsed = schema.safeParse(value);
    if (!parsed.success) throw protocolError(`an unexpected message "${String(refusal.type)}"`, parsed.error);
    return parsed.data;
  }

  sink(): ChannelSink {
    return {
      write: (chunk) => this.writeChunk(chunk),
      end: () => this.write(kinds.end, Buffer.alloc(0)),
    };
  }

  /** TLS hands out 16 KiB at a time: gathered into larger pieces, they cost a quarter of the turns of the event loop and of the writes. */
  async *chunks(): AsyncGenerator<Buffer> {
    for (;;) {
      const { kind, length } = await this.header();
      if (kind === kinds.end) return;
      if (kind === kinds.message) {
        const { error } = JSON.parse((await this.bytes(length)).toString()) as { error?: { code: string; message: string } };
        if (error) throw ZapError.fromWire(error); // the sender gave up in the middle
        throw protocolError('a message in the middle of a stream');
      }
      if (kind === kinds.packed) {
        yield this.unpacked(await this.bytes(length));
        continue;
      }
      for (let left = length; left > 0; ) {
        const piece = await this.bytes(Math.min(left, pieceBytes));
        left -= piece.length;
        yield piece;
      }
    }
  }

  /** No more than this on average, until `hurry`. */
  limit(bytesPerSecond: number): void {
    this.throttle = new Throttle(bytesPerSecond);
  }

  /** A POD stands still from now on: nothing is held back or tried out any more. */
  hurry(): void {
    this.throttle = undefined;
    this.compression.settle();
  }

  close(): void {
    this.stream.end();
  }

  destroy(): void {
    this.stream.destroy();
  }

  private async writeChunk(chunk: Buffer): Promise<void> {
    const sinceMs = performance.now();
    const before = this.sentBytes;
    const packed = chunk.length > maxChunkBytes ? undefined : this.compression.pack(chunk);
    if (packed) {
      const size = Buffer.allocUnsafe(4);
      size.writeUInt32BE(chunk.length);
      await this.write(kinds.packed, Buffer.concat([size, packed]));
    } else await this.write(kinds.chunk, chunk);
    await this.throttle?.sent(this.sentBytes - before);
    this.compression.took(chunk.length, performance.now() - sinceMs);
  }

  private unpacked(payload: Buffer): Buffer {
    const rawBytes = payload.length < 4 ? Infinity : payload.readUInt32BE(0);
    if (rawBytes > maxChunkBytes) throw protocolError('a packed piece that is too large');
    try {
      return this.compression.unpack(payload.subarray(4), rawBytes);
    } catch (cause) {
      throw protocolError('a packed piece that cannot be unpacked', cause);
    }
  }

  private async write(kind: number, payload: Buffer): Promise<void> {
    for (let offset = 0; ; offset += maxChunkBytes) {
      if (this.failure) throw this.failure;
      const piece = payload.subarray(offset, offset + maxChunkBytes);
      const header = Buffer.allocUnsafe(headerBytes);
      header.writeUInt32BE(piece.length, 0);
      header.writeUInt8(kind, 4);
      this.sentBytes += headerBytes + piece.length;
      this.stream.cork();
      this.stream.write(header);
      const hasRoom = piece.length === 0 || this.stream.write(piece);
      this.stream.uncork();
      if (!hasRoom) await this.drained();
      if (offset + maxChunkBytes >= payload.length) return;
    }
  }

  private async drained(): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.stream.off('drain', done).off('close', done);
        resolve();
      };
      this.stream.once('drain', done).once('close', done);
    });
    if (this.failure) throw this.failure;
  }

  private async header(signal?: AbortSignal): Promise<{ kind: number; length: number }> {
    let header = await this.bytes(headerBytes, signal);
    while (header.readUInt8(4) === kinds.alive && header.readUInt32BE(0) === 0) header = await this.bytes(headerBytes, signal);
    const length = header.readUInt32BE(0);
    const kind = header.readUInt8(4);
    if (length > (kind === kinds.chunk || kind === kinds.packed ? maxChunkBytes : maxMessageBytes) || kind === kinds.alive || kind > kinds.packed) throw protocolError('a frame of a form that does not exist');
    return { kind, length };
  }

  /** Exactly so many bytes in one piece; for what is small. */
  private async bytes(length: number, signal?: AbortSignal): Promise<Buffer> {
    await this.atLeast(length, signal);
    const pieces: Buffer[] = [];
    for (let left = length; left > 0; left -= pieces.at(-1)!.length) pieces.push(this.shift(left));
    if (pieces.length === 1) return pieces[0]!;
    const whole = Buffer.concat(pieces);
    pieces.forEach(release);
    return whole;
  }

  /** Takes the first of what has come, at most `most` bytes of it. */
  private shift(most: number): Buffer {
    const first = this.buffered[0]!;
    const piece = first.subarray(0, most);
    if (piece.length === first.length) this.buffered.shift();
    else this.buffered[0] = first.subarray(most);
    this.bufferedBytes -= piece.length;
    return piece;
  }

  private async atLeast(length: number, signal?: AbortSignal): Promise<void> {
    while (this.bufferedBytes < length) {
      if (this.failure) throw this.failure;
      signal?.throwIfAborted();
      this.stream.resume();
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        signal?.addEventListener('abort', this.wake, { once: true });
      });
      signal?.removeEventListener('abort', this.wake!);
      this.wake = undefined;
    }
  }
}

function protocolError(what: string, cause?: unknown): ZapError {
  return new ZapError('move/protocol', `The other host sent ${what}.`, { hint: 'Both hosts need the same version of the helper.', cause });
}
