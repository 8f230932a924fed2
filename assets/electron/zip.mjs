/**
 * Unpacks a ZIP archive, entry by entry, with the permissions that it names.
 *
 * Only what archives of programs use: stored and deflated entries below 4 GB, no encryption. A name that leads out of the directory is refused.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';

const END_SIGNATURE = 0x06054b50;
const ENTRY_SIGNATURE = 0x02014b50;
const LOCAL_HEADER_BYTES = 30;
const MAX_COMMENT_BYTES = 65_535 + 22;

/** `rename` gives each entry's name in the directory, or undefined to leave it out. */
export async function unpackZip(archive, directory, rename = (name) => name) {
  const file = await open(archive);
  try {
    for (const entry of await readEntries(file)) {
      const name = rename(entry.name);
      if (name === undefined) continue;
      const path = normalize(name);
      if (path.startsWith('..') || path.startsWith('/')) throw new Error(`${archive} holds "${entry.name}", which leads out of its directory.`);
      if (path.endsWith('/')) await mkdir(join(directory, path), { recursive: true });
      else await unpackEntry(file, archive, entry, join(directory, path));
    }
  } finally {
    await file.close();
  }
}

async function readEntries(file) {
  const { size } = await file.stat();
  const tail = await readAt(file, Math.max(0, size - MAX_COMMENT_BYTES), Math.min(size, MAX_COMMENT_BYTES));
  let end = tail.length - 22;
  while (end >= 0 && tail.readUInt32LE(end) !== END_SIGNATURE) end--;
  if (end < 0) throw new Error('This is not a ZIP archive.');
  const directory = await readAt(file, tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12));
  const entries = [];
  for (let at = 0; at + 46 <= directory.length && directory.readUInt32LE(at) === ENTRY_SIGNATURE; ) {
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((offset) => directory.readUInt16LE(at + offset));
    entries.push({
      name: directory.toString('utf8', at + 46, at + 46 + nameBytes),
      isDeflated: directory.readUInt16LE(at + 10) !== 0,
      packedBytes: directory.readUInt32LE(at + 20),
      mode: (directory.readUInt32LE(at + 38) >>> 16) & 0o777,
      at: directory.readUInt32LE(at + 42),
    });
    at += 46 + nameBytes + extraBytes + commentBytes;
  }
  return entries;
}

async function unpackEntry(file, archive, { isDeflated, packedBytes, mode, at }, path) {
  await mkdir(dirname(path), { recursive: true });
  const header = await readAt(file, at, LOCAL_HEADER_BYTES);
  const start = at + LOCAL_HEADER_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
  const target = createWriteStream(path, { mode: mode || 0o644 });
  if (packedBytes === 0) return pipeline([], target);
  const source = createReadStream(archive, { start, end: start + packedBytes - 1, highWaterMark: 1 << 20 });
  await (isDeflated ? pipeline(source, createInflateRaw(), target) : pipeline(source, target));
}

async function readAt(file, position, length) {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  if (bytesRead !== length) throw new Error('This ZIP archive is cut off.');
  return buffer;
}
