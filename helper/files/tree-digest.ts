/**
 * The name of a tree by its content.
 *
 * SHA-256 over one line for each file, sorted by path: type, mode, owner, size, hash of the content, link target, device, attributes. Times are left out,
 * and a hard link counts as a file of its own, so that a tree has one digest however it was made or sent.
 */
import { createHash, type Hash } from 'node:crypto';
import type { ReadObserver } from './archive-read';
import { writeArchive } from './archive-write';
import { ByteChannel } from './byte-channel';
import { parseEntry, type Entry, type NodeEntry } from './entry';
import { FrameReader } from './frames';

const zeros = Buffer.alloc(64 * 1024);

export class TreeDigest implements ReadObserver {
  /** What a line says besides the path. */
  private readonly lines = new Map<string, string>();
  private file: { entry: NodeEntry; hash: Hash; position: number } | undefined;
  files = 0;
  sizeBytes = 0;

  entry(entry: Entry): void {
    if (entry.type === 'removed') throw new Error('a tree that is sent whole has no removals');
    if (entry.type === 'hardlink') {
      const line = this.lines.get(entry.target);
      if (line !== undefined) this.lines.set(entry.path, line);
    } else if (entry.type === 'file') this.file = { entry, hash: createHash('sha256'), position: 0 };
    else this.lines.set(entry.path, describe(entry));
  }

  data(bytes: Buffer, offset: number): void {
    this.skipTo(offset);
    this.file!.hash.update(bytes);
    this.file!.position += bytes.length;
  }

  endFile(sizeBytes: number): void {
    this.skipTo(sizeBytes);
    const { entry, hash } = this.file!;
    this.lines.set(entry.path, describe(entry, [sizeBytes, hash.digest('hex')]));
    this.files += 1;
    this.sizeBytes += sizeBytes;
    this.file = undefined;
  }

  digest(): string {
    const hash = createHash('sha256');
    // Byte strings: comparing characters compares bytes.
    for (const path of [...this.lines.keys()].sort()) hash.update(`${JSON.stringify(path)} ${this.lines.get(path)}\n`);
    return `sha256:${hash.digest('hex')}`;
  }

  private skipTo(offset: number): void {
    const file = this.file!;
    while (file.position < offset) {
      const size = Math.min(zeros.length, offset - file.position);
      file.hash.update(zeros.subarray(0, size));
      file.position += size;
    }
  }
}

function describe(entry: NodeEntry, content?: [sizeBytes: number, sha256: string]): string {
  const xattrs = Object.entries(entry.xattrs ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const target = entry.type === 'symlink' ? entry.target : null;
  const device = entry.type === 'character' || entry.type === 'block' ? entry.device : null;
  return JSON.stringify([entry.type, entry.mode, entry.uid, entry.gid, content ?? null, target, device, xattrs]);
}

/** Reads a tree on this host. */
export async function digestTree(root: string, signal?: AbortSignal): Promise<TreeDigest> {
  const channel = new ByteChannel();
  const sending = writeArchive(root, channel, signal ? { signal } : {}).then(
    () => channel.end(),
    (error: unknown) => channel.fail(error),
  );
  const digest = new TreeDigest();
  const frames = new FrameReader();
  for await (const chunk of channel) {
    for (const frame of frames.push(chunk)) {
      if (frame.kind === 'entry') digest.entry(parseEntry(frame.payload));
      else if (frame.kind === 'data') digest.data(frame.bytes, frame.offset);
      else if (frame.kind === 'endFile') digest.endFile(frame.sizeBytes);
    }
  }
  await sending;
  return digest;
}
