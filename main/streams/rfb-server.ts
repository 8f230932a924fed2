/**
 * What an RFB server says after its handshake (RFC 6143, the community's extensions), cut into pieces: messages, and each rectangle of an update by itself.
 *
 * Only lengths are read, nothing is decoded. The server is a program in a POD, which anyone may have replaced: whatever nobody asked it for, or is larger than a
 * screen can be, is refused.
 */
import { ZapError } from '../../helper/protocol/errors';

export const Encoding = {
  raw: 0, copyRect: 1, tight: 7,
  qualityLowest: -32, qualityHighest: -23, compressionLowest: -256, compressionHighest: -247,
  desktopSize: -223, lastRect: -224, cursor: -239, qemuKeys: -258, qemuLeds: -261, desktopName: -307, extendedDesktopSize: -308, fence: -312, continuousUpdates: -313, extendedMouseButtons: -316,
  vmwareCursor: 0x574d5664, extendedClipboard: 0xc0a1e5ce | 0,
} as const;

export type ServerPiece = { length: number } & (
  | { kind: 'message' }
  | { kind: 'fence'; isRequest: boolean }
  | { kind: 'end-of-continuous-updates' }
  | { kind: 'update'; rectangles: number }
  | { kind: 'rectangle'; encoding: number; x: number; y: number; width: number; height: number; isLast: boolean }
);

const MAX_PIECE_BYTES = 64 << 20;
const MAX_TEXT_BYTES = 8 << 20;
const MAX_NAME_BYTES = 64 << 10;
const MAX_CURSOR_PIXELS = 1 << 20;
const BYTES_PER_PIXEL = 4;
const TIGHT_PIXEL_BYTES = 3;
const TIGHT_PLAIN_BELOW_BYTES = 12;
const MANY = 0xffff;

export class ServerParser {
  private rectangles = 0;

  /** Whether an update has begun that is not complete. */
  get isMidUpdate(): boolean {
    return this.rectangles > 0;
  }

  /** The piece that `bytes` begin with; undefined while not all of it is there. It counts as taken. */
  next(bytes: Buffer): ServerPiece | undefined {
    const piece = this.rectangles > 0 ? rectangle(bytes) : message(bytes);
    if (!piece) return undefined;
    if (piece.length > MAX_PIECE_BYTES) throw lie(`it wants to send ${piece.length} bytes at once`);
    if (piece.length > bytes.length) return undefined;
    if (piece.kind === 'update') this.rectangles = piece.rectangles === MANY ? Infinity : piece.rectangles;
    if (piece.kind === 'rectangle') {
      this.rectangles = piece.encoding === Encoding.lastRect ? 0 : this.rectangles - 1;
      piece.isLast = this.rectangles === 0;
    }
    return piece;
  }
}

/** May say more than there is, as soon as it knows how much it will be. */
function message(bytes: Buffer): ServerPiece | undefined {
  if (bytes.length < 1) return undefined;
  const type = bytes[0]!;
  switch (type) {
    case 0:
      return bytes.length < 4 ? undefined : { kind: 'update', length: 4, rectangles: bytes.readUInt16BE(2) };
    case 1:
      return bytes.length < 6 ? undefined : { kind: 'message', length: 6 + bytes.readUInt16BE(4) * 6 };
    case 2:
      return { kind: 'message', length: 1 };
    case 3: {
      if (bytes.length < 8) return undefined;
      const length = Math.abs(bytes.readInt32BE(4)); // a negative one announces the extended format
      if (length > MAX_TEXT_BYTES) throw lie(`its clipboard holds ${length} bytes`);
      return { kind: 'message', length: 8 + length };
    }
    case 150:
      return { kind: 'end-of-continuous-updates', length: 1 };
    case 248:
      return bytes.length < 9 ? undefined : { kind: 'fence', length: 9 + bytes[8]!, isRequest: bytes.readUInt32BE(4) >>> 31 === 1 };
    default:
      throw lie(`it sent a message of unknown type ${type}`);
  }
}

function rectangle(bytes: Buffer): ServerPiece | undefined {
  if (bytes.length < 12) return undefined;
  const [x, y, width, height] = [bytes.readUInt16BE(0), bytes.readUInt16BE(2), bytes.readUInt16BE(4), bytes.readUInt16BE(6)];
  const encoding = bytes.readInt32BE(8);
  const payload = payloadLength(encoding, width, height, bytes.subarray(12));
  return payload === undefined ? undefined : { kind: 'rectangle', length: 12 + payload, encoding, x, y, width, height, isLast: false };
}

function payloadLength(encoding: number, width: number, height: number, payload: Buffer): number | undefined {
  switch (encoding) {
    case Encoding.raw:
      return width * height * BYTES_PER_PIXEL;
    case Encoding.copyRect:
      return 4;
    case Encoding.tight:
      return tightLength(width, height, payload);
    case Encoding.desktopSize:
    case Encoding.lastRect:
    case Encoding.qemuKeys:
    case Encoding.extendedMouseButtons:
      return 0;
    case Encoding.qemuLeds:
      return 1;
    case Encoding.desktopName: {
      if (payload.length < 4) return undefined;
      const length = payload.readUInt32BE(0);
      if (length > MAX_NAME_BYTES) throw lie(`its name is ${length} bytes long`);
      return 4 + length;
    }
    case Encoding.extendedDesktopSize:
      return payload.length < 1 ? undefined : 4 + payload[0]! * 16;
    case Encoding.cursor:
      requireCursor(width, height);
      return width * height * BYTES_PER_PIXEL + Math.ceil(width / 8) * height;
    case Encoding.vmwareCursor:
      requireCursor(width, height);
      return payload.length < 1 ? undefined : 2 + width * height * BYTES_PER_PIXEL * (payload[0] === 0 ? 2 : 1); // 0: two masks, 1: colours with alpha
    default:
      throw lie(`it sent encoding ${encoding}, which nobody asked for`);
  }
}

/** TightVNC's encoding for true colour in 24 of 32 bits. */
function tightLength(width: number, height: number, payload: Buffer): number | undefined {
  if (payload.length < 1) return undefined;
  const control = payload[0]! >> 4;
  if (control === 8) return 1 + TIGHT_PIXEL_BYTES;
  if (control === 9) return withCompactLength(payload, 1);
  if (control > 9) throw lie(`it sent a Tight rectangle of unknown kind ${control}`);
  let at = 1;
  let rowBytes = width * TIGHT_PIXEL_BYTES;
  if ((control & 4) !== 0) {
    if (payload.length < 3) return undefined;
    const filter = payload[at++]!;
    if (filter > 2) throw lie(`it sent a Tight rectangle with unknown filter ${filter}`);
    if (filter === 1) {
      const colours = payload[at++]! + 1;
      at += colours * TIGHT_PIXEL_BYTES;
      rowBytes = colours <= 2 ? Math.ceil(width / 8) : width;
    }
  }
  const plainBytes = rowBytes * height;
  return plainBytes < TIGHT_PLAIN_BELOW_BYTES ? at + plainBytes : withCompactLength(payload, at);
}

/** One to three bytes of seven bits each, lowest first, and as many bytes as they say. */
function withCompactLength(payload: Buffer, at: number): number | undefined {
  let length = 0;
  for (let i = 0; i < 3; i++) {
    const byte = payload[at + i];
    if (byte === undefined) return undefined;
    length |= (i === 2 ? byte : byte & 0x7f) << (7 * i);
    if (i === 2 || byte < 0x80) return at + i + 1 + length;
  }
  return undefined;
}

/**
 * The zlib streams of Tight run from rectangle to rectangle. Those of a new connection begin anew, and the viewer, who knows nothing of it, must be told so with
 * the reset bits.
 */
export class TightStreams {
  private fresh = 0b1111;

  /** `piece` are the bytes of a rectangle in Tight encoding. */
  markReset(piece: Buffer): void {
    const control = piece[12]!;
    if (control >> 7 === 1) return;
    const stream = 1 << ((control >> 4) & 3);
    if ((this.fresh & stream) === 0) return;
    piece[12] = control | stream;
    this.fresh &= ~stream;
  }
}

function requireCursor(width: number, height: number): void {
  if (width * height > MAX_CURSOR_PIXELS) throw lie(`its pointer is ${width}×${height}`);
}

export function lie(why: string): ZapError {
  return new ZapError('pod/display-broken', `The POD's screen cannot be shown: ${why}.`, { hint: 'Its display server does not keep to the protocol; restart the desktop in the POD.' });
}
