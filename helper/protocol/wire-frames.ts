/**
 * Frames on the wire: u32 payload length, u8 type, u8 lane, u32 call id (big endian), payload.
 *
 * One that is over its limit is refused by its header: nothing a peer sends can make the other end buffer without bound.
 */
import { ZapError } from './errors';

const headerBytes = 10;
const maxControlBytes = 4 << 20;
export const maxDataBytes = 64 << 10;

export const frameTypes = { request: 1, result: 2, error: 3, event: 4, cancel: 5, data: 6, end: 7, credit: 8 } as const;
export type FrameType = (typeof frameTypes)[keyof typeof frameTypes];

export interface Frame {
  /** As it came: whether there is such a type is for its reader to say. */
  type: FrameType;
  lane: number;
  id: number;
  payload: Buffer;
}

export function encodeFrame({ type, lane, id, payload }: Frame): Buffer {
  const header = Buffer.allocUnsafe(headerBytes);
  header.writeUInt32BE(payload.length, 0);
  header.writeUInt8(type, 4);
  header.writeUInt8(lane, 5);
  header.writeUInt32BE(id, 6);
  return payload.length === 0 ? header : Buffer.concat([header, payload]);
}

/** Puts frames together from bytes as they come. */
export class FrameReader {
  private buffered: Buffer[] = [];
  private bufferedBytes = 0;

  push(chunk: Buffer): void {
    this.buffered.push(chunk);
    this.bufferedBytes += chunk.length;
  }

  /** The next one that is whole. */
  take(): Frame | undefined {
    if (this.bufferedBytes < headerBytes) return undefined;
    let head = this.buffered[0]!;
    if (head.length < headerBytes) head = this.buffered[0] = this.joined();
    const length = head.readUInt32BE(0);
    const type = head.readUInt8(4) as FrameType;
    if (length > (type === frameTypes.data ? maxDataBytes : maxControlBytes)) {
      throw new ZapError('internal/protocol', `A peer sent a frame of ${length} bytes, more than is allowed.`);
    }
    if (this.bufferedBytes < headerBytes + length) return undefined;
    const all = head.length >= headerBytes + length ? head : this.joined();
    const rest = all.subarray(headerBytes + length);
    this.buffered[0] = rest;
    if (rest.length === 0) this.buffered.shift();
    this.bufferedBytes -= headerBytes + length;
    return { type, lane: all.readUInt8(5), id: all.readUInt32BE(6), payload: all.subarray(headerBytes, headerBytes + length) };
  }

  private joined(): Buffer {
    const all = Buffer.concat(this.buffered);
    this.buffered = [all];
    return all;
  }
}
