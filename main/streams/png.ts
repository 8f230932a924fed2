/** PNG, 8 bits a channel, without alpha: signature, IHDR, IDAT, IEND (RFC 2083). */
import { crc32, deflate } from 'node:zlib';
import { promisify } from 'node:util';

export interface Image {
  width: number;
  height: number;
  /** Red, green, blue; rows from the top. */
  rgb: Buffer;
}

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const FILTER_UP = 2;

export async function encodePng({ width, height, rgb }: Image): Promise<Buffer> {
  const stride = width * 3;
  const rows = Buffer.alloc((stride + 1) * height);
  for (let y = 0; y < height; y++) {
    const out = y * (stride + 1);
    rows[out] = FILTER_UP; // a desktop is mostly the row above
    for (let x = 0; x < stride; x++) rows[out + 1 + x] = rgb[y * stride + x]! - (y === 0 ? 0 : rgb[(y - 1) * stride + x]!);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const data = await promisify(deflate)(rows);
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}
