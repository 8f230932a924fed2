/**
 * One complete frame from an RFB (VNC) server, RFC 6143, versions 3.3 to 3.8, security None, raw encoding.
 *
 * The server is a program in a POD, which anyone may have replaced: every size that it names is bounded before anything is allocated or awaited.
 */
import type { Duplex } from 'node:stream';
import { ZapError } from '../../helper/protocol/errors';
import { ByteReader } from './byte-reader';
import type { Image } from './png';

const MAX_PIXELS = 64 << 20;
const MAX_TEXT_BYTES = 64 << 10;
const MAX_RECTANGLES = 65_535;
const TIMEOUT_MS = 15_000;
const SECURITY_NONE = 1;
const ENCODING_RAW = 0;
const LAST_RECTANGLE = -224;

export async function takeSnapshot(stream: Duplex, timeoutMs = TIMEOUT_MS): Promise<Image> {
  const reader = new ByteReader(stream, timeoutMs);
  stream.on('error', () => {}); // the reader tells
  try {
    return await snapshot(stream, reader);
  } finally {
    reader.stop();
  }
}

/** A screen that goes on being looked at: after the first frame only what has changed travels. */
export class ScreenWatch {
  private constructor(
    private readonly stream: Duplex,
    private readonly reader: ByteReader,
    readonly image: Image,
  ) {}

  static async open(stream: Duplex): Promise<ScreenWatch> {
    const reader = new ByteReader(stream);
    stream.on('error', () => {}); // the reader tells
    return new ScreenWatch(stream, reader, await snapshot(stream, reader));
  }

  /** Resolves when something on the screen has changed, and is in `image`. */
  async change(): Promise<void> {
    const { stream, reader, image } = this;
    stream.write(updateRequest(image, true));
    const covered = new Uint8Array(image.width * image.height).fill(1);
    while ((await nextMessage(reader, image, covered)) === undefined);
  }

  stop(): void {
    this.reader.stop();
  }
}

async function snapshot(stream: Duplex, reader: ByteReader): Promise<Image> {
  await handshake(stream, reader);
  stream.write(Buffer.from([1])); // shared: whoever watches already goes on watching
  const init = await reader.read(24);
  const [width, height] = [init.readUInt16BE(0), init.readUInt16BE(2)];
  if (width === 0 || height === 0 || width * height > MAX_PIXELS) throw lie(`its screen is ${width}×${height}`);
  await reader.skip(bounded(init.readUInt32BE(20), MAX_TEXT_BYTES, 'name'));

  // 32 bits a pixel, little endian, true colour, blue lowest.
  const format = Buffer.from([0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]);
  const encodings = Buffer.from([2, 0, 0, 1, 0, 0, 0, ENCODING_RAW]);
  stream.write(Buffer.concat([format, encodings, updateRequest({ width, height }, false)]));

  const image: Image = { width, height, rgb: Buffer.alloc(width * height * 3) };
  const covered = new Uint8Array(width * height);
  let missing = width * height;
  while (missing > 0) missing -= (await nextMessage(reader, image, covered)) ?? 0;
  return image;
}

async function handshake(stream: Duplex, reader: ByteReader): Promise<void> {
  const greeting = (await reader.read(12)).toString('latin1');
  const version = /^RFB 003\.(\d{3})\n$/.exec(greeting);
  if (!version || Number(version[1]) < 3) throw lie('its greeting is not that of an RFB server');
  const minor = Number(version[1]) >= 8 ? 8 : Number(version[1]) === 7 ? 7 : 3;
  stream.write(`RFB 003.00${minor}\n`);
  if (minor === 3) {
    const type = (await reader.read(4)).readUInt32BE(0);
    if (type === 0) throw await refused(reader);
    if (type !== SECURITY_NONE) throw lie('it asks for a password');
    return;
  }
  const count = (await reader.read(1)).readUInt8(0);
  if (count === 0) throw await refused(reader);
  if (!(await reader.read(count)).includes(SECURITY_NONE)) throw lie('it asks for a password');
  stream.write(Buffer.from([SECURITY_NONE]));
  if (minor === 8 && (await reader.read(4)).readUInt32BE(0) !== 0) throw await refused(reader);
}

function updateRequest({ width, height }: { width: number; height: number }, isIncremental: boolean): Buffer {
  const request = Buffer.alloc(10);
  request.writeUInt8(3, 0);
  request.writeUInt8(isIncremental ? 1 : 0, 1);
  request.writeUInt16BE(width, 6);
  request.writeUInt16BE(height, 8);
  return request;
}

/** Takes one message in; returns how many pixels it was the first to cover, undefined when it was about something else. */
async function nextMessage(reader: ByteReader, image: Image, covered: Uint8Array): Promise<number | undefined> {
  const type = (await reader.read(1)).readUInt8(0);
  switch (type) {
    case 0:
      return update(reader, image, covered);
    case 1: {
      const head = await reader.read(5);
      await reader.skip(head.readUInt16BE(3) * 6);
      return undefined;
    }
    case 2: // bell
      return undefined;
    case 3: {
      const head = await reader.read(7);
      await reader.skip(bounded(head.readUInt32BE(3), 16 << 20, 'clipboard'));
      return undefined;
    }
    default:
      throw lie(`it sent a message of unknown type ${type}`);
  }
}

async function update(reader: ByteReader, image: Image, covered: Uint8Array): Promise<number> {
  const rectangles = bounded((await reader.read(3)).readUInt16BE(1), MAX_RECTANGLES, 'update');
  let fresh = 0;
  for (let i = 0; i < rectangles; i++) {
    const head = await reader.read(12);
    const [x, y, width, height] = [head.readUInt16BE(0), head.readUInt16BE(2), head.readUInt16BE(4), head.readUInt16BE(6)];
    const encoding = head.readInt32BE(8);
    if (encoding === LAST_RECTANGLE) break;
    if (encoding !== ENCODING_RAW) throw lie(`it sent encoding ${encoding}, which nobody asked for`);
    if (x + width > image.width || y + height > image.height) throw lie('it painted outside of its screen');
    for (let row = 0; row < height; row++) fresh += paint(await reader.read(width * 4), image, covered, (y + row) * image.width + x);
  }
  return fresh;
}

function paint(pixels: Buffer, image: Image, covered: Uint8Array, start: number): number {
  let fresh = 0;
  for (let at = 0, pixel = start; at < pixels.length; at += 4, pixel++) {
    image.rgb[pixel * 3] = pixels[at + 2]!;
    image.rgb[pixel * 3 + 1] = pixels[at + 1]!;
    image.rgb[pixel * 3 + 2] = pixels[at]!;
    if (covered[pixel] === 0) fresh++;
    covered[pixel] = 1;
  }
  return fresh;
}

async function refused(reader: ByteReader): Promise<ZapError> {
  const length = bounded((await reader.read(4)).readUInt32BE(0), MAX_TEXT_BYTES, 'reason');
  return lie(`it refuses: ${(await reader.read(length)).toString('latin1')}`);
}

function bounded(value: number, max: number, what: string): number {
  if (value > max) throw lie(`its ${what} is ${value} long`);
  return value;
}

function lie(why: string): ZapError {
  return new ZapError('pod/display-broken', `The POD's screen cannot be read: ${why}.`);
}
