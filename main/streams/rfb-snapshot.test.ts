import { duplexPair, type Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { ScreenWatch, takeSnapshot } from './rfb-snapshot';
import { ByteReader } from './byte-reader';

const width = 5;
const height = 3;
/** Each pixel another colour. */
const colour = (x: number, y: number): [number, number, number] => [x * 10, y * 20, 200 + x];

interface ServerOptions {
  version?: string;
  /** What the server does instead of the frame. */
  instead?: (stream: Duplex, reader: ByteReader) => Promise<void> | void;
  security?: number[];
  size?: [number, number];
  nameLength?: number;
  bytewise?: boolean;
}

function u16(...values: number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 2);
  values.forEach((value, index) => buffer.writeUInt16BE(value, index * 2));
  return buffer;
}

function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value >>> 0);
  return buffer;
}

function rectangle(x: number, y: number, w: number, h: number): Buffer {
  const pixels = Buffer.alloc(w * h * 4);
  for (let row = 0; row < h; row++) {
    for (let column = 0; column < w; column++) {
      const [red, green, blue] = colour(x + column, y + row);
      pixels.set([blue, green, red, 0], (row * w + column) * 4);
    }
  }
  return Buffer.concat([u16(x, y, w, h), u32(0), pixels]);
}

function update(...rectangles: Buffer[]): Buffer {
  return Buffer.concat([Buffer.from([0, 0]), u16(rectangles.length), ...rectangles]);
}

const wholeFrame = update(rectangle(0, 0, width, height));

/** A small RFB server on the other end of the stream. */
function serve({ version = '003.008', instead, security = [1], size = [width, height], nameLength = 4, bytewise = false }: ServerOptions = {}): Duplex {
  const [ours, theirs] = duplexPair();
  const send = (data: Buffer): void => {
    if (bytewise) for (let at = 0; at < data.length; at++) theirs.write(data.subarray(at, at + 1));
    else theirs.write(data);
  };
  theirs.on('error', () => {});
  void (async () => {
    const reader = new ByteReader(theirs, 2000);
    send(Buffer.from(`RFB ${version}\n`));
    const chosen = (await reader.read(12)).toString('latin1');
    if (chosen === 'RFB 003.003\n') send(u32(security[0] ?? 0));
    else {
      send(Buffer.from([security.length, ...security]));
      if (security.length === 0) return send(Buffer.concat([u32(4), Buffer.from('busy')]));
      await reader.read(1);
      if (chosen === 'RFB 003.008\n') send(u32(0));
    }
    await reader.read(1);
    send(Buffer.concat([u16(...size), Buffer.alloc(16), u32(nameLength), Buffer.from('desk')]));
    await reader.read(20 + 8 + 10);
    if (instead) await instead(theirs, reader);
    else send(wholeFrame);
    reader.stop();
  })().catch(() => {});
  return ours;
}

describe('takeSnapshot', () => {
  it.each([
    ['version 3.8', {}],
    ['version 3.7', { version: '003.007' }],
    ['version 3.3', { version: '003.003' }],
    ['a version of tomorrow', { version: '003.889' }],
    ['several kinds of security', { security: [2, 19, 1] }],
    ['one byte at a time', { bytewise: true }],
    ['the frame in pieces, with a bell, colours and a clipboard between', {
      instead: (stream: Duplex) => {
        stream.write(Buffer.from([2]));
        stream.write(Buffer.concat([Buffer.from([1, 0]), u16(0, 2), Buffer.alloc(12)]));
        stream.write(update(rectangle(0, 0, 5, 1), rectangle(0, 0, 2, 2)));
        stream.write(Buffer.concat([Buffer.from([3, 0, 0, 0]), u32(5), Buffer.from('hello')]));
        stream.write(update());
        stream.write(update(rectangle(0, 1, 5, 2)));
      },
    }],
  ] as [string, ServerOptions][])('reads a whole frame: %s', async (_name, options) => {
    const image = await takeSnapshot(serve(options), 2000);
    expect([image.width, image.height]).toEqual([width, height]);
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) expect([...image.rgb.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)]).toEqual(colour(x, y));
  });

  it.each([
    ['something else than a server', { version: 'HTTP/1.1' }, /greeting/],
    ['a password', { security: [2] }, /password/],
    ['a refusal', { security: [] }, /refuses: busy/],
    ['no screen at all', { size: [0, 0] }, /0×0/],
    ['a screen of four billion pixels', { size: [65535, 65535] }, /65535×65535/],
    ['a name of four gigabytes', { nameLength: 0xffffffff }, /name is 4294967295 long/],
    ['a rectangle outside of the screen', { instead: (stream: Duplex) => void stream.write(update(rectangle(3, 0, 5, 1))) }, /outside/],
    ['an encoding that nobody asked for', { instead: (stream: Duplex) => void stream.write(Buffer.concat([Buffer.from([0, 0]), u16(1), u16(0, 0, 5, 3), u32(7)])) }, /encoding 7/],
    ['an unknown message', { instead: (stream: Duplex) => void stream.write(Buffer.from([99])) }, /unknown type 99/],
    ['a clipboard of four gigabytes', { instead: (stream: Duplex) => void stream.write(Buffer.concat([Buffer.from([3, 0, 0, 0]), u32(0xffffffff)])) }, /clipboard/],
    ['half a frame', { instead: (stream: Duplex) => void stream.end(wholeFrame.subarray(0, 30)) }, /ended/],
    ['a break', { instead: (stream: Duplex) => void stream.destroy() }, /ended|complete/],
    ['silence', { instead: () => {} }, /complete within/],
    ['a frame that never becomes whole', { instead: (stream: Duplex) => void setInterval(() => stream.write(update(rectangle(0, 0, 1, 1))), 5).unref() }, /complete within/],
  ] as [string, ServerOptions, RegExp][])('gives up on %s', async (_name, options, message) => {
    await expect(takeSnapshot(serve(options), 300)).rejects.toMatchObject({ code: 'pod/display-broken', message: expect.stringMatching(message) });
  });
});

describe('ScreenWatch', () => {
  it('asks for what has changed only, and takes it into the picture', async () => {
    const requests: number[] = [];
    const stream = serve({
      instead: async (server, reader) => {
        server.write(wholeFrame);
        requests.push((await reader.read(10)).readUInt8(1));
        server.write(Buffer.from([2])); // a bell is no change
        server.write(update(Buffer.concat([u16(1, 1, 1, 1), u32(0), Buffer.from([3, 2, 1, 0])])));
        requests.push((await reader.read(10)).readUInt8(1));
        server.end();
      },
    });
    const screen = await ScreenWatch.open(stream);
    const before = Buffer.from(screen.image.rgb);
    await screen.change();
    const at = (width + 1) * 3;
    expect([...screen.image.rgb.subarray(at, at + 3)]).toEqual([1, 2, 3]);
    expect(before.equals(screen.image.rgb)).toBe(false);
    await expect(screen.change()).rejects.toMatchObject({ code: 'pod/display-broken' });
    expect(requests).toEqual([1, 1]);
    screen.stop();
  });
});
