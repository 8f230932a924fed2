/** Unpacks a tar archive that may come from anywhere, by making it an archive of ours for the receiver that trusts nothing. */
import zlib from 'node:zlib';
import { pipeline, Readable } from 'node:stream';
import { ZapError } from '../protocol/errors';
import { readArchive, type ReadOptions } from './archive-read';
import { ByteChannel } from './byte-channel';
import { FrameWriter } from './frames';
import { joinPath, splitPath, type Entry } from './entry';
import { ByteReader } from './byte-reader';
import { readTarMember, type TarMember } from './tar';

export async function importTar(tree: string, stream: AsyncIterable<Buffer>, options: ReadOptions): Promise<void> {
  const channel = new ByteChannel();
  const converting = convert(stream, channel).then(
    () => channel.end(),
    (error: unknown) => channel.fail(error),
  );
  try {
    await readArchive(tree, channel, options);
  } catch (error) {
    channel.fail(error);
    throw error;
  } finally {
    await converting;
  }
}

const contentBytes = 256 * 1024;

async function convert(stream: AsyncIterable<Buffer>, channel: ByteChannel): Promise<void> {
  const input = new ByteReader(await decompressed(stream));
  const frames = new FrameWriter(channel);
  const named = new Set(['']);
  frames.json('start', { format: 'zap-archive', version: 1 });
  let entries = 0;
  const put = (entry: Entry): void => {
    frames.json('entry', entry);
    entries += 1;
  };
  for (let member = await readTarMember(input); member; member = await readTarMember(input)) {
    const entry = toEntry(member);
    if (entry && !isOfTheKernel(entry.path)) {
      for (const parent of missingParents(entry.path, named)) put({ type: 'directory', path: parent, mode: 0o755, uid: 0, gid: 0, time: [0, 0] });
      named.add(entry.path);
      put(entry);
      if (entry.type === 'file') await copyContent(input, frames, member.sizeBytes);
      else await input.skip(member.sizeBytes);
    } else await input.skip(member.sizeBytes);
    await input.skip(-member.sizeBytes & 511);
    if (frames.isFull) await frames.flush();
  }
  frames.json('end', { entries });
  await frames.close();
}

async function copyContent(input: ByteReader, frames: FrameWriter, sizeBytes: number): Promise<void> {
  for (let offset = 0; offset < sizeBytes; ) {
    const bytes = await input.take(Math.min(contentBytes, sizeBytes - offset));
    const position = Buffer.alloc(8);
    position.writeBigUInt64BE(BigInt(offset));
    frames.add('data', Buffer.concat([position, bytes]));
    offset += bytes.length;
    if (frames.isFull) await frames.flush();
  }
  const size = Buffer.alloc(8);
  size.writeBigUInt64BE(BigInt(sizeBytes));
  frames.add('endFile', size);
}

/** What a POD mounts or makes itself. */
function isOfTheKernel(path: string): boolean {
  return /^(?:proc|sys|dev|run)\//.test(path);
}

/** The directories above a path that the archive has not named: it need not. */
function missingParents(path: string, known: Set<string>): string[] {
  const missing: string[] = [];
  for (let [parent] = splitPath(path); !known.has(parent); [parent] = splitPath(parent)) {
    missing.unshift(parent);
    known.add(parent);
  }
  return missing;
}

/** Nothing for devices: a POD has its own. */
function toEntry(member: TarMember): Entry | undefined {
  const path = plainPath(member.path);
  const xattrs = Object.keys(member.xattrs).length === 0 ? {} : { xattrs: member.xattrs };
  const common = { path, mode: member.mode & 0o7777, uid: member.uid, gid: member.gid, time: member.time, ...xattrs };
  switch (member.type) {
    case 'directory':
    case 'file':
    case 'fifo':
      return { type: member.type, ...common };
    case 'symlink':
      return { type: 'symlink', ...common, target: member.linkTarget };
    case 'hardlink':
      return { type: 'hardlink', path, target: plainPath(member.linkTarget) };
    case 'device':
      return undefined;
  }
}

/** `./usr/bin/` and `/usr/bin` are `usr/bin`; whatever leads upwards stays as it is, for the receiver to refuse. */
function plainPath(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .reduce(joinPath, '');
}

async function decompressed(stream: AsyncIterable<Buffer>): Promise<AsyncIterable<Buffer>> {
  const iterator = stream[Symbol.asyncIterator]();
  let start: Buffer = Buffer.alloc(0);
  while (start.length < 6) {
    const next = await iterator.next();
    if (next.done) break;
    start = Buffer.concat([start, next.value]);
  }
  async function* whole(): AsyncGenerator<Buffer> {
    yield start;
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
  }
  const begins = (...bytes: number[]): boolean => start.subarray(0, bytes.length).equals(Buffer.from(bytes));
  if (begins(0x1f, 0x8b)) return through(whole(), zlib.createGunzip());
  if (begins(0x28, 0xb5, 0x2f, 0xfd)) {
    if ('createZstdDecompress' in zlib) return through(whole(), zlib.createZstdDecompress());
    throw new ZapError('environment/not-a-tar', 'Zstandard needs Node 22.15 or later.', { hint: 'Give the archive plain, or compressed with gzip.' });
  }
  if (begins(0xfd, 0x37, 0x7a) || begins(0x42, 0x5a, 0x68)) {
    throw new ZapError('environment/not-a-tar', 'The archive is compressed with xz or bzip2.', { hint: 'Give it plain, or compressed with gzip or zstd.' });
  }
  return whole();
}

function through(source: AsyncIterable<Buffer>, transform: NodeJS.ReadWriteStream & AsyncIterable<string | Buffer>): AsyncIterable<Buffer> {
  pipeline(Readable.from(source), transform, () => {}); // an error reaches the reader of the transform
  return transform as AsyncIterable<Buffer>;
}
