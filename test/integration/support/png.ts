/** Reads PNG files as strictly as a test needs: 8 bits a channel, no interlacing. */
import { inflateSync } from 'node:zlib';

export interface Picture {
  width: number;
  height: number;
  /** How many different colours there are. */
  colours: number;
  /** Three bytes a pixel. */
  rgb: Buffer;
}

export function readPng(file: Buffer): Picture {
  if (file.toString('latin1', 0, 8) !== '\x89PNG\r\n\x1a\n') throw new Error('not a PNG file');
  const chunks: { type: string; data: Buffer }[] = [];
  for (let at = 8; at < file.length; ) {
    const size = file.readUInt32BE(at);
    chunks.push({ type: file.toString('latin1', at + 4, at + 8), data: file.subarray(at + 8, at + 8 + size) });
    at += size + 12;
  }
  const header = chunks.find(({ type }) => type === 'IHDR')!.data;
  const [width, height, depth, colourType] = [header.readUInt32BE(0), header.readUInt32BE(4), header[8], header[9]!];
  const channels = ({ 2: 3, 6: 4 } as Record<number, number>)[colourType];
  if (depth !== 8 || channels === undefined) throw new Error(`unexpected form: depth ${depth}, colour type ${colourType}`);
  const data = inflateSync(Buffer.concat(chunks.filter(({ type }) => type === 'IDAT').map((chunk) => chunk.data)));
  const stride = width * channels;
  if (data.length !== (stride + 1) * height) throw new Error(`${data.length} bytes of pixels for ${width}x${height}`);
  const colours = new Set<number>();
  const rgb = Buffer.alloc(width * height * 3);
  let above: Uint8Array = new Uint8Array(stride);
  for (let row = 0; row < height; row++) {
    const start = row * (stride + 1);
    const line = unfilter(data[start]!, data.subarray(start + 1, start + 1 + stride), above, channels);
    for (let x = 0; x < width; x++) {
      const at = x * channels;
      colours.add((line[at]! << 16) | (line[at + 1]! << 8) | line[at + 2]!);
      rgb.set(line.subarray(at, at + 3), (row * width + x) * 3);
    }
    above = line;
  }
  return { width, height, colours: colours.size, rgb };
}

function unfilter(filter: number, raw: Uint8Array, above: Uint8Array, channels: number): Uint8Array {
  const line = new Uint8Array(raw.length);
  for (let at = 0; at < raw.length; at++) {
    const left = at >= channels ? line[at - channels]! : 0;
    const up = above[at]!;
    const corner = at >= channels ? above[at - channels]! : 0;
    const predicted = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter];
    if (predicted === undefined) throw new Error(`unknown filter ${filter}`);
    line[at] = (raw[at]! + predicted) & 255;
  }
  return line;
}

function paeth(left: number, up: number, corner: number): number {
  const estimate = left + up - corner;
  const [toLeft, toUp, toCorner] = [Math.abs(estimate - left), Math.abs(estimate - up), Math.abs(estimate - corner)];
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}
