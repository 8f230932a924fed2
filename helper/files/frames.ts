/**
 * The archive's frames: one byte of kind, four bytes of length, the payload.
 *
 *   start    JSON {format, version}
 *   entry    JSON, see entry.ts; a file's content follows it
 *   data     8 bytes of offset, then bytes of the file (what no frame covers is a hole)
 *   end-file 8 bytes: the file's size
 *   end      JSON {entries}: without it the archive was cut off
 */
import { readSync } from 'node:fs';
import { ZapError } from '../protocol/errors';

export const frameKinds = { start: 1, entry: 2, data: 3, endFile: 4, end: 5 } as const;
export type FrameKind = keyof typeof frameKinds;

const headerBytes = 5;
const bufferBytes = 512 * 1024;
const maxDataBytes = 256 * 1024;
const maxHeaderBytes = 4 * 1024 * 1024;

export interface Sink {
  /** Takes the chunk over; resolves when it wants more. */
  write(chunk: Buffer): Promise<void>;
}

/** Gathers frames into large chunks. Adding never waits; `flush` does, whenever `isFull` asks for it. */
export class FrameWriter {
  private buffer = Buffer.allocUnsafeSlow(bufferBytes);
  private used = 0;
  private full: Buffer[] = [];
  bytesWritten = 0;

  constructor(private readonly sink: Sink) {}

  get isFull(): boolean {
    return this.full.length > 0;
  }

  json(kind: FrameKind, value: unknown): void {
    this.add(kind, Buffer.from(JSON.stringify(value)));
  }

  add(kind: FrameKind, payload: Buffer): void {
    if (headerBytes + payload.length > bufferBytes) {
      this.rotate();
      const large = Buffer.allocUnsafe(headerBytes + payload.length);
      writeHeader(large, 0, kind, payload.length);
      payload.copy(large, headerBytes);
      this.full.push(large);
      return;
    }
    this.reserve(headerBytes + payload.length);
    writeHeader(this.buffer, this.used, kind, payload.length);
    payload.copy(this.buffer, this.used + headerBytes);
    this.used += headerBytes + payload.length;
  }

  /** Reads from a file straight into a data frame; returns the bytes read, 0 at the end of the file. */
  dataFrom(fd: number, offset: number, maxBytes: number): number {
    const wanted = Math.min(maxBytes, maxDataBytes);
    this.reserve(headerBytes + 8 + wanted);
    const start = this.used + headerBytes + 8;
    const size = readSync(fd, this.buffer, start, wanted, offset);
    if (size === 0) return 0;
    writeHeader(this.buffer, this.used, 'data', 8 + size);
    this.buffer.writeBigUInt64BE(BigInt(offset), this.used + headerBytes);
    this.used = start + size;
    return size;
  }

  async flush(): Promise<void> {
    while (this.full.length > 0) {
      const chunk = this.full.shift()!;
      this.bytesWritten += chunk.length;
      await this.sink.write(chunk);
    }
  }

  async close(): Promise<void> {
    this.rotate();
    await this.flush();
  }

  private reserve(bytes: number): void {
    if (this.used + bytes > bufferBytes) this.rotate();
  }

  private rotate(): void {
    if (this.used === 0) return;
    this.full.push(this.buffer.subarray(0, this.used));
    this.buffer = Buffer.allocUnsafeSlow(bufferBytes);
    this.used = 0;
  }
}

function writeHeader(buffer: Buffer, at: number, kind: FrameKind, length: number): void {
  buffer[at] = frameKinds[kind];
  buffer.writeUInt32BE(length, at + 1);
}

export type Frame =
  | { kind: 'start' | 'entry' | 'end'; payload: Buffer }
  /** Part of a file's content, as much as has come. */
  | { kind: 'data'; offset: number; bytes: Buffer }
  | { kind: 'endFile'; sizeBytes: number };

const kindsByNumber = new Map<number, FrameKind>(Object.entries(frameKinds).map(([kind, number]) => [number, kind as FrameKind]));

/** Cuts chunks of any size into frames; content is passed on as it comes, without gathering it. */
export class FrameReader {
  private pending: Buffer = Buffer.alloc(0);
  /** Where the rest of a data frame goes, and how much is missing. */
  private data: { offset: number; missingBytes: number } | undefined;

  /** True between two frames: the only place where a stream may end. */
  get isAtBoundary(): boolean {
    return this.pending.length === 0 && this.data === undefined;
  }

  *push(chunk: Buffer): Generator<Frame> {
    let rest = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk]);
    while (rest.length > 0) {
      if (this.data) {
        const bytes = rest.subarray(0, this.data.missingBytes);
        yield { kind: 'data', offset: this.data.offset, bytes };
        this.data.offset += bytes.length;
        this.data.missingBytes -= bytes.length;
        if (this.data.missingBytes === 0) this.data = undefined;
        rest = rest.subarray(bytes.length);
        continue;
      }
      if (rest.length < headerBytes) break;
      const kind = kindsByNumber.get(rest[0]!);
      const length = rest.readUInt32BE(1);
      if (kind === undefined || length > maxHeaderBytes) throw broken('it is damaged, or not an archive');
      if (kind === 'data') {
        if (length < 8) throw broken('a frame is too short');
        if (rest.length < headerBytes + 8) break;
        if (length > 8) this.data = { offset: fileOffset(rest, headerBytes), missingBytes: length - 8 };
        rest = rest.subarray(headerBytes + 8);
        continue;
      }
      if (rest.length < headerBytes + length) break;
      const payload = rest.subarray(headerBytes, headerBytes + length);
      rest = rest.subarray(headerBytes + length);
      if (kind !== 'endFile') yield { kind, payload };
      else if (length === 8) yield { kind, sizeBytes: fileOffset(payload, 0) };
      else throw broken('a frame has the wrong length');
    }
    this.pending = rest;
  }
}

function fileOffset(buffer: Buffer, at: number): number {
  const offset = Number(buffer.readBigUInt64BE(at));
  if (!Number.isSafeInteger(offset)) throw broken('a file is impossibly large');
  return offset;
}

export function broken(reason: string): ZapError {
  return new ZapError('checkpoint/broken-archive', `The stream of files cannot be read: ${reason}.`, { data: { reason } });
}
