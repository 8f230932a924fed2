/**
 * Whether what is sent is worth compressing is measured while it is sent: what a megabyte takes plain, and what it takes packed, the link's waiting and this
 * processor's work together. On a fast link that is plain, on a slow one packed; both are looked at again now and then, since links change.
 */
import * as zlib from 'node:zlib';

/** A way to make bytes fewer, and back. `unpack` gives exactly `rawBytes`, or throws without ever making more. */
export interface Codec {
  pack(raw: Buffer): Buffer;
  unpack(packed: Buffer, rawBytes: number): Buffer;
}

/** Zstandard at its quickest level; absent where the runtime has none. */
export const zstd: Codec | undefined =
  typeof zlib.zstdCompressSync === 'function'
    ? {
        pack: (raw) => zlib.zstdCompressSync(raw, { params: { [zlib.constants.ZSTD_c_compressionLevel]: -1 } }),
        unpack: (packed, rawBytes) => zlib.zstdDecompressSync(packed, { maxOutputLength: rawBytes }),
      }
    : undefined;

type Mode = 'plain' | 'packed';

const smallestBytes = 16 << 10;
const windowBytes = 1 << 20;
/** Packing keeps a processor busy that others could use: it has to pay. */
const worthwhile = 1.2;
const windowsUntilAsked = 64;
/** Nothing is packed for a link of a gigabit a second, or a quicker one: what it takes is mostly this host's own work. */
const slowMsPerByte = 1000 / 125e6;
const verySlowMsPerByte = 1000 / 30e6;

export class Compression {
  private mode: Mode = 'plain';
  private readonly msPerByte: Partial<Record<Mode, number>> = {};
  private bytes = 0;
  private ms = 0;
  private windows = 0;
  private isSettled = false;

  constructor(private readonly codec: Codec | undefined = zstd) {}

  /** The chunk packed, or undefined when it is to go as it is. */
  pack(chunk: Buffer): Buffer | undefined {
    if (this.mode === 'plain' || !this.codec || chunk.length < smallestBytes) return undefined;
    const packed = this.codec.pack(chunk);
    return packed.length < chunk.length * 0.95 ? packed : undefined;
  }

  unpack(packed: Buffer, rawBytes: number): Buffer {
    if (!this.codec) throw new Error('this helper cannot unpack');
    const raw = this.codec.unpack(packed, rawBytes);
    if (raw.length !== rawBytes) throw new Error(`${raw.length} bytes came of what was said to be ${rawBytes}`);
    return raw;
  }

  /** So many bytes, before packing, took so long until the link wanted more. */
  took(rawBytes: number, ms: number): void {
    if (!this.codec || this.isSettled) return;
    this.bytes += rawBytes;
    this.ms += ms;
    if (this.bytes < windowBytes) return;
    if (this.windows > 0) this.msPerByte[this.mode] = this.ms / this.bytes; // the first is slow for other reasons
    this.bytes = this.ms = 0;
    this.windows++;
    this.mode = this.next();
  }

  /** From now on nothing is tried any more: a POD stands still, and waits for both processors too. What is packed is what really is slow. */
  settle(): void {
    this.mode = (this.msPerByte.plain ?? 0) < verySlowMsPerByte ? 'plain' : this.better();
    this.isSettled = true;
  }

  private next(): Mode {
    const { plain, packed } = this.msPerByte;
    if (plain === undefined || plain < slowMsPerByte) return 'plain';
    if (packed === undefined) return 'packed';
    if (this.windows % windowsUntilAsked === 0) return this.better() === 'plain' ? 'packed' : 'plain';
    return this.better();
  }

  private better(): Mode {
    const { plain, packed } = this.msPerByte;
    return plain !== undefined && packed !== undefined && plain >= slowMsPerByte && plain > packed * worthwhile ? 'packed' : 'plain';
  }
}
