/**
 * A directory of images on the wire: a list of names and sizes, then the bytes of one file after the other.
 *
 * There are hundreds of small ones, and a frozen POD waits for them: unlike files of a layer they have no owners, times or attributes that matter.
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ZapError } from '../protocol/errors';
import { listImages } from '../criu/images';
import type { Sink } from '../files/frames';
import { commonUmask, withUmask } from '../system/umask';
import type { Limits } from './limits';

const List = z.array(z.tuple([z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}$/), z.number().int().nonnegative()]));
const chunkBytes = 1 << 20;
const maxListBytes = 4 << 20;

/** Resolves with the number of bytes of the files. */
export async function sendImages(directory: string, sink: Sink, options: { signal?: AbortSignal; isWanted?: (name: string) => boolean } = {}): Promise<number> {
  const { signal, isWanted = () => true } = options;
  const files = listImages(directory).files.filter(({ name }) => isWanted(name));
  const list = Buffer.from(JSON.stringify(files.map(({ name, sizeBytes }) => [name, sizeBytes])));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(list.length);
  let waiting: Buffer[] = [length, list];
  let waitingBytes = list.length;
  const flush = async (): Promise<void> => {
    signal?.throwIfAborted();
    await sink.write(Buffer.concat(waiting));
    waiting = [];
    waitingBytes = 0;
  };
  for (const { name, sizeBytes } of files) {
    const fd = openSync(join(directory, name), 'r');
    try {
      for (let position = 0; position < sizeBytes; ) {
        const piece = Buffer.allocUnsafe(Math.min(chunkBytes, sizeBytes - position));
        const size = readSync(fd, piece, 0, piece.length, position);
        if (size === 0) throw new ZapError('checkpoint/unreadable', `The image ${name} became shorter while it was sent.`);
        waiting.push(piece.subarray(0, size));
        waitingBytes += size;
        position += size;
        if (waitingBytes >= chunkBytes) await flush();
      }
    } finally {
      closeSync(fd);
    }
  }
  await flush();
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** Makes files that are not there yet. Nothing that is announced or sent makes it write elsewhere, or more than `limits`. */
export async function receiveImages(chunks: AsyncIterable<Buffer>, directory: string, limits: Limits, onBytes: (bytes: number) => void = () => {}): Promise<void> {
  let list: z.infer<typeof List> | undefined;
  let rest: Buffer = Buffer.alloc(0);
  let index = 0;
  let file: { fd: number; missing: number } | undefined;
  const next = (): void => {
    while (!file && list && index < list.length) {
      const [name, size] = list[index++]!;
      const fd = withUmask(commonUmask, () => openSync(join(directory, name), 'wx', 0o644)); // restored tasks read some with the POD's ids
      if (size > 0) file = { fd, missing: size };
      else closeSync(fd);
    }
  };
  try {
    for await (const chunk of chunks) {
      let bytes = chunk;
      if (!list) {
        rest = Buffer.concat([rest, chunk]);
        if (rest.length < 4) continue;
        const length = rest.readUInt32LE(0);
        if (length > maxListBytes) throw broken();
        if (rest.length < 4 + length) continue;
        list = readList(rest.subarray(4, 4 + length), limits);
        bytes = rest.subarray(4 + length);
      }
      next();
      while (bytes.length > 0) {
        if (!file) throw broken();
        const piece = bytes.subarray(0, file.missing);
        for (let done = 0; done < piece.length; ) done += writeSync(file.fd, piece, done);
        onBytes(piece.length);
        file.missing -= piece.length;
        bytes = bytes.subarray(piece.length);
        if (file.missing > 0) continue;
        closeSync(file.fd);
        file = undefined;
        next();
      }
    }
    if (!list || file || index < list.length) throw broken();
  } finally {
    if (file) closeSync(file.fd);
  }
}

function readList(bytes: Buffer, limits: Limits): z.infer<typeof List> {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch {
    throw broken();
  }
  const parsed = List.safeParse(value);
  if (!parsed.success || new Set(parsed.data.map(([name]) => name)).size < parsed.data.length) throw broken();
  const totalBytes = parsed.data.reduce((sum, [, size]) => sum + size, 0);
  if (parsed.data.length > limits.maxEntries || totalBytes > limits.maxBytes) {
    throw new ZapError('checkpoint/too-large', `The checkpoint has ${parsed.data.length} images of ${totalBytes} bytes; this host takes at most ${limits.maxEntries} of ${limits.maxBytes} bytes.`);
  }
  return parsed.data;
}

function broken(): ZapError {
  return new ZapError('checkpoint/broken-images', 'The images that were sent are not what was announced.', { hint: 'Try the move again.' });
}
