import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteQueue } from './byte-queue';
import { Encoding, ServerParser, TightStreams, type ServerPiece } from './rfb-server';

const u8 = (...values: number[]): Buffer => Buffer.from(values);
const u16 = (value: number): Buffer => u8(value >> 8, value & 255);
const i32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const update = (rectangles: number): Buffer => Buffer.concat([u8(0, 0), u16(rectangles)]);
const rectangle = (encoding: number, width: number, height: number, payload: Buffer = Buffer.alloc(0)): Buffer => Buffer.concat([u16(0), u16(0), u16(width), u16(height), i32(encoding), payload]);

const conversation: { name: string; bytes: Buffer; kind: ServerPiece['kind'] }[] = [
  { name: 'bell', bytes: u8(2), kind: 'message' },
  { name: 'colours', bytes: Buffer.concat([u8(1, 0), u16(0), u16(2), Buffer.alloc(12)]), kind: 'message' },
  { name: 'clipboard', bytes: Buffer.concat([u8(3, 0, 0, 0), i32(5), Buffer.from('hello')]), kind: 'message' },
  { name: 'extended clipboard', bytes: Buffer.concat([u8(3, 0, 0, 0), i32(-8), Buffer.alloc(8)]), kind: 'message' },
  { name: 'fence', bytes: Buffer.concat([u8(248, 0, 0, 0), u8(0x80, 0, 0, 1), u8(3), Buffer.from('abc')]), kind: 'fence' },
  { name: 'end of continuous updates', bytes: u8(150), kind: 'end-of-continuous-updates' },
  { name: 'update', bytes: update(13), kind: 'update' },
  { name: 'raw', bytes: rectangle(Encoding.raw, 3, 2, Buffer.alloc(24)), kind: 'rectangle' },
  { name: 'copy', bytes: rectangle(Encoding.copyRect, 3, 2, Buffer.alloc(4)), kind: 'rectangle' },
  { name: 'tight fill', bytes: rectangle(Encoding.tight, 100, 100, u8(0x80, 1, 2, 3)), kind: 'rectangle' },
  { name: 'tight JPEG, length in two bytes', bytes: rectangle(Encoding.tight, 100, 100, Buffer.concat([u8(0x90, 0x80 | 1, 1), Buffer.alloc(129)])), kind: 'rectangle' },
  { name: 'tight, few bytes in the plain', bytes: rectangle(Encoding.tight, 3, 1, Buffer.concat([u8(0x00), Buffer.alloc(9)])), kind: 'rectangle' },
  { name: 'tight, compressed', bytes: rectangle(Encoding.tight, 10, 10, Buffer.concat([u8(0x20, 7), Buffer.alloc(7)])), kind: 'rectangle' },
  { name: 'tight, two colours', bytes: rectangle(Encoding.tight, 9, 2, Buffer.concat([u8(0x50, 1, 1), Buffer.alloc(6), Buffer.alloc(4)])), kind: 'rectangle' },
  { name: 'tight, a palette, length in three bytes', bytes: rectangle(Encoding.tight, 300, 300, Buffer.concat([u8(0x50, 1, 4), Buffer.alloc(15), u8(0x80, 0x80, 1), Buffer.alloc(16384)])), kind: 'rectangle' },
  { name: 'pointer', bytes: rectangle(Encoding.cursor, 9, 2, Buffer.alloc(9 * 2 * 4 + 2 * 2)), kind: 'rectangle' },
  { name: 'VMware pointer', bytes: rectangle(Encoding.vmwareCursor, 2, 2, Buffer.concat([u8(1, 0), Buffer.alloc(16)])), kind: 'rectangle' },
  { name: 'name', bytes: rectangle(Encoding.desktopName, 0, 0, Buffer.concat([i32(3), Buffer.from('Zap')])), kind: 'rectangle' },
  { name: 'size', bytes: rectangle(Encoding.extendedDesktopSize, 800, 600, Buffer.concat([u8(1, 0, 0, 0), Buffer.alloc(16)])), kind: 'rectangle' },
  { name: 'end', bytes: rectangle(Encoding.lastRect, 0, 0), kind: 'rectangle' },
  { name: 'bell again', bytes: u8(2), kind: 'message' },
];
const said = Buffer.concat(conversation.map(({ bytes }) => bytes));

function parse(chunks: readonly Buffer[]): ServerPiece[] {
  const [queue, parser, pieces] = [new ByteQueue(), new ServerParser(), [] as ServerPiece[]];
  for (const chunk of chunks) {
    queue.push(chunk);
    for (let piece; (piece = parser.next(queue.bytes)); ) {
      pieces.push(piece);
      queue.skip(piece.length);
    }
  }
  expect(queue.length).toBe(0);
  return pieces;
}

describe('what an RFB server says', () => {
  it('is cut where its pieces end, however it arrives', () => {
    const expected = conversation.map(({ bytes, kind }) => ({ length: bytes.length, kind }));
    const cut = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(cut, (lengths) => {
        const chunks: Buffer[] = [];
        for (let at = 0, i = 0; at < said.length; i++) {
          const length = lengths[i % lengths.length]!;
          chunks.push(said.subarray(at, at + length));
          at += length;
        }
        expect(parse(chunks).map(({ length, kind }) => ({ length, kind }))).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it('tells the last rectangle of an update, counted or marked', () => {
    const counted = parse([update(1), rectangle(Encoding.copyRect, 1, 1, Buffer.alloc(4)), u8(2)]);
    expect(counted.map((piece) => piece.kind === 'rectangle' && piece.isLast)).toEqual([false, true, false]);
    const marked = parse([update(0xffff), rectangle(Encoding.copyRect, 1, 1, Buffer.alloc(4)), rectangle(Encoding.lastRect, 0, 0), u8(2)]);
    expect(marked.map((piece) => piece.kind === 'rectangle' && piece.isLast)).toEqual([false, false, true, false]);
  });

  it.each([
    ['a message of no known type', u8(77)],
    ['an encoding that nobody asked for', Buffer.concat([update(1), rectangle(16, 10, 10)])],
    ['a rectangle larger than any screen', Buffer.concat([update(1), rectangle(Encoding.raw, 65535, 65535)])],
    ['an endless clipboard', Buffer.concat([u8(3, 0, 0, 0), i32(0x7fffffff)])],
    ['an endless clipboard of the other kind', Buffer.concat([u8(3, 0, 0, 0), i32(-0x80000000)])],
    ['an endless name', Buffer.concat([update(1), rectangle(Encoding.desktopName, 0, 0, i32(-1))])],
    ['an enormous pointer', Buffer.concat([update(1), rectangle(Encoding.cursor, 65535, 65535)])],
    ['a Tight rectangle of an unknown kind', Buffer.concat([update(1), rectangle(Encoding.tight, 10, 10, u8(0xa0, 0, 0))])],
    ['a Tight filter that is none', Buffer.concat([update(1), rectangle(Encoding.tight, 10, 10, u8(0x40, 9, 0))])],
  ])('refuses %s', (_, bytes) => {
    const [parser, queue] = [new ServerParser(), new ByteQueue()];
    queue.push(bytes);
    expect(() => {
      for (let piece; (piece = parser.next(queue.bytes)); ) queue.skip(piece.length);
    }).toThrow(expect.objectContaining({ code: 'pod/display-broken' }) as Error);
  });

  it('never fails in another way, whatever it says', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const [parser, queue] = [new ServerParser(), new ByteQueue()];
        queue.push(bytes);
        try {
          for (let piece; (piece = parser.next(queue.bytes)); ) queue.skip(piece.length);
        } catch (error) {
          expect(error).toMatchObject({ code: 'pod/display-broken' });
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('the compression streams of a new connection', () => {
  it('are reset in the viewer where each is used first', () => {
    const streams = new TightStreams();
    const control = (first: number): number => {
      const piece = rectangle(Encoding.tight, 10, 10, u8(first, 0));
      streams.markReset(piece);
      return piece[12]!;
    };
    expect(control(0x80)).toBe(0x80); // a fill has none
    expect(control(0x00)).toBe(0x01);
    expect(control(0x00)).toBe(0x00);
    expect(control(0x60)).toBe(0x64);
    expect(control(0x60)).toBe(0x60);
    expect(control(0x90)).toBe(0x90);
  });
});
