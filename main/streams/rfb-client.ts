/** What a viewer says to an RFB server after the handshake: cut into messages, and told apart by what becomes of them when the server is another connection. */
import { ZapError } from '../../helper/protocol/errors';
import { Encoding } from './rfb-server';

export type ClientMessage = { length: number } & (
  | { kind: 'pixel-format' | 'encodings' | 'update-request' | 'continuous-updates' | 'fence' | 'clipboard-talk' }
  /** Not for a POD: shutting down and resetting machines. */
  | { kind: 'machine' }
  /** What a person did: it must arrive, once. */
  | { kind: 'key' | 'pointer' | 'other-input' }
);

const MAX_CLIPBOARD_BYTES = 8 << 20;
const CLIPBOARD_PROVIDE = 1 << 28;

/** The message that `bytes` begin with; undefined while not all of it is there. */
export function clientMessage(bytes: Buffer): ClientMessage | undefined {
  const found = messageAt(bytes);
  return found && found.length <= bytes.length ? found : undefined;
}

function messageAt(bytes: Buffer): ClientMessage | undefined {
  if (bytes.length < 1) return undefined;
  const type = bytes[0]!;
  switch (type) {
    case 0:
      return { kind: 'pixel-format', length: 20 };
    case 2:
      return bytes.length < 4 ? undefined : { kind: 'encodings', length: 4 + bytes.readUInt16BE(2) * 4 };
    case 3:
      return { kind: 'update-request', length: 10 };
    case 4:
      return { kind: 'key', length: 8 };
    case 5:
      return bytes.length < 2 ? undefined : { kind: 'pointer', length: bytes[1]! >= 0x80 ? 7 : 6 }; // the marker of extended mouse buttons
    case 6:
      return clipboard(bytes);
    case 150:
      return { kind: 'continuous-updates', length: 10 };
    case 248:
      return bytes.length < 9 ? undefined : { kind: 'fence', length: 9 + bytes[8]! };
    case 250:
      return { kind: 'machine', length: 4 };
    case 251:
      return bytes.length < 7 ? undefined : { kind: 'other-input', length: 8 + bytes[6]! * 16 }; // another size for the screen
    case 255:
      if (bytes.length < 2) return undefined;
      if (bytes[1] === 0) return { kind: 'key', length: 12 };
      throw unknown(`255/${bytes[1]}`);
    default:
      throw unknown(String(type));
  }
}

function clipboard(bytes: Buffer): ClientMessage | undefined {
  if (bytes.length < 12) return bytes.length >= 8 && bytes.readInt32BE(4) >= 0 && bytes.readInt32BE(4) < 4 ? { kind: 'other-input', length: 8 + bytes.readInt32BE(4) } : undefined;
  const length = bytes.readInt32BE(4);
  if (Math.abs(length) > MAX_CLIPBOARD_BYTES) throw new ZapError('usage/clipboard-too-large', `The clipboard holds ${Math.abs(length)} bytes, more than a POD is sent.`);
  const isText = length >= 0 || (bytes.readUInt32BE(8) & CLIPBOARD_PROVIDE) !== 0;
  return { kind: isText ? 'other-input' : 'clipboard-talk', length: 8 + Math.abs(length) };
}

function unknown(type: string): ZapError {
  return new ZapError('internal/protocol', `A viewer sent a message of unknown type ${type}.`);
}

/** The encodings that streams can follow, in the viewer's order. */
export function followableEncodings(message: Buffer): number[] {
  const wanted = Array.from({ length: message.readUInt16BE(2) }, (_, i) => message.readInt32BE(4 + i * 4));
  if (!wanted.includes(Encoding.lastRect)) throw new ZapError('internal/protocol', 'A viewer must know the end of an update.'); // an update that breaks off is ended with it
  const known = new Set<number>(Object.values(Encoding));
  return wanted.filter(
    (encoding) =>
      known.has(encoding) ||
      (encoding >= Encoding.qualityLowest && encoding <= Encoding.qualityHighest) ||
      (encoding >= Encoding.compressionLowest && encoding <= Encoding.compressionHighest),
  );
}

export function encodingsMessage(encodings: readonly number[]): Buffer {
  const message = Buffer.alloc(4 + encodings.length * 4);
  message.writeUInt8(2, 0);
  message.writeUInt16BE(encodings.length, 2);
  encodings.forEach((encoding, i) => message.writeInt32BE(encoding, 4 + i * 4));
  return message;
}

/** 24 of 32 bits in true colour: the one format whose lengths are known here. */
export function requireTrueColour(message: Buffer): void {
  const isTrueColour = message[4] === 32 && message[5] === 24 && message[7] === 1 && [8, 10, 12].every((at) => message.readUInt16BE(at) === 255);
  if (!isTrueColour) throw new ZapError('internal/protocol', 'A viewer asked for a format of pixels that streams do not know.');
}

export function updateRequest(width: number, height: number): Buffer {
  const message = Buffer.alloc(10);
  message.writeUInt8(3, 0);
  message.writeUInt16BE(width, 6);
  message.writeUInt16BE(height, 8);
  return message;
}
