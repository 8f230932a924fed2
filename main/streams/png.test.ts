import { crc32, inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodePng } from './png';

/** Reads what we write by the rules of the format: chunks, checksums, filters. */
function decode(png: Buffer): { width: number; height: number; rgb: Buffer } {
  expect(png.subarray(0, 8).toString('latin1')).toBe('\x89PNG\r\n\x1a\n');
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const body = png.subarray(at + 4, at + 8 + length);
    expect(png.readUInt32BE(at + 8 + length)).toBe(crc32(body));
    chunks.set(body.subarray(0, 4).toString('latin1'), body.subarray(4));
    at += length + 12;
  }
  expect([...chunks.keys()]).toEqual(['IHDR', 'IDAT', 'IEND']);
  const header = chunks.get('IHDR')!;
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  expect([...header.subarray(8)]).toEqual([8, 2, 0, 0, 0]);
  const rows = inflateSync(chunks.get('IDAT')!);
  const rgb = Buffer.alloc(width * height * 3);
  const stride = width * 3;
  for (let y = 0; y < height; y++) {
    expect(rows[y * (stride + 1)]).toBe(2);
    for (let x = 0; x < stride; x++) rgb[y * stride + x] = rows[y * (stride + 1) + 1 + x]! + (y === 0 ? 0 : rgb[(y - 1) * stride + x]!);
  }
  return { width, height, rgb };
}

describe('encodePng', () => {
  it('keeps every pixel', async () => {
    const image = fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 })).chain(([width, height]) =>
      fc.uint8Array({ minLength: width * height * 3, maxLength: width * height * 3 }).map((rgb) => ({ width, height, rgb: Buffer.from(rgb) })),
    );
    await fc.assert(
      fc.asyncProperty(image, async (of) => {
        expect(decode(await encodePng(of))).toEqual(of);
      }),
      { numRuns: 50 },
    );
  });
});
