/** Sends a tree of files as a stream of bytes, exactly: holes, hard links, devices, attributes and names that are no text included. */
import { closeSync } from 'node:fs';
import type { NodeEntry } from './entry';
import { FrameWriter, type Sink } from './frames';
import { Pacer } from './pacer';
import { goneCodes, walkTree, type WalkStep } from './walk';
import { O_NOATIME, O_NONBLOCK, O_RDONLY, nextData, openAt, openRoot, readLinkAt, statFd } from '../system/paths';
import type { FileStat } from '../system/stat';
import { getXattr, portableXattrs } from '../system/xattr';

export interface WriteOptions {
  signal?: AbortSignal;
  /** Told the bytes that have gone out since it was told last. */
  onBytes?: (bytes: number) => void;
  /** Leaves out what it returns false for (what is in a directory is asked for by itself). */
  filter?: (path: string, stat: FileStat) => boolean;
}

export interface WriteResult {
  entries: number;
  bytes: number;
}

export async function writeArchive(rootPath: string, sink: Sink, options: WriteOptions = {}): Promise<WriteResult> {
  const root = openRoot(rootPath);
  try {
    const writer = new ArchiveWriter(sink, options);
    for (const step of walkTree(root)) {
      if (options.filter && !options.filter(step.path, step.stat)) await writer.rest();
      else await writer.add(step);
    }
    return await writer.close();
  } finally {
    closeSync(root);
  }
}

export class ArchiveWriter {
  private readonly frames: FrameWriter;
  private readonly pacer: Pacer;
  private reportedBytes = 0;
  private entries = 0;
  /** Where each inode with several names was sent first, and what it was like then. */
  private readonly sentInodes = new Map<number, { path: string; stat: FileStat }>();

  constructor(
    sink: Sink,
    private readonly options: WriteOptions,
  ) {
    this.frames = new FrameWriter(sink);
    this.pacer = new Pacer(options.signal);
    this.frames.json('start', { format: 'zap-archive', version: 1 });
  }

  /** Sends one file; returns the state that was sent, or nothing when it vanished or cannot be sent (a socket: CRIU makes it anew). */
  async add(step: WalkStep): Promise<FileStat | undefined> {
    await this.rest();
    if (step.stat.type === 'socket') return undefined;
    if (step.stat.linkCount > 1 && step.stat.type !== 'directory') {
      const sent = this.sentInodes.get(step.stat.inode);
      if (sent) {
        this.entry({ type: 'hardlink', path: step.path, target: sent.path });
        return sent.stat;
      }
    }
    const stat = await this.addNode(step);
    if (stat && stat.linkCount > 1 && stat.type !== 'directory') this.sentInodes.set(stat.inode, { path: step.path, stat });
    return stat;
  }

  remove(path: string): void {
    this.entry({ type: 'removed', path });
  }

  /** Lets the receiver and the event loop catch up. */
  async rest(): Promise<void> {
    if (this.frames.isFull) await this.flush();
    if (this.pacer.isDue) await this.pacer.breathe();
  }

  async close(): Promise<WriteResult> {
    this.frames.json('end', { entries: this.entries });
    await this.frames.close();
    this.report();
    return { entries: this.entries, bytes: this.frames.bytesWritten };
  }

  private async addNode(step: WalkStep): Promise<FileStat | undefined> {
    try {
      if (step.stat.type === 'file') return await this.addFile(step);
      const { type } = step.stat;
      const common = describe(step, step.stat);
      if (type === 'symlink') this.entry({ type, ...common, target: readLinkAt(step.directory, step.name) });
      else if (type === 'character' || type === 'block') this.entry({ type, ...common, device: [step.stat.deviceMajor, step.stat.deviceMinor] });
      else if (type === 'directory' || type === 'fifo') this.entry({ type, ...common });
      return step.stat;
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  }

  private async addFile(step: WalkStep): Promise<FileStat | undefined> {
    const fd = openAt(step.directory, step.name, O_RDONLY | O_NONBLOCK | O_NOATIME);
    try {
      const stat = statFd(fd);
      if (stat.type !== 'file') return undefined;
      this.entry({ type: 'file', ...describe(step, stat) });
      const sizeBytes = await this.content(fd, stat);
      const size = Buffer.alloc(8);
      size.writeBigUInt64BE(BigInt(sizeBytes));
      this.frames.add('endFile', size);
      return stat;
    } finally {
      closeSync(fd);
    }
  }

  /** Sends what the file holds, at most to the size that it had; returns the size it turned out to have. */
  private async content(fd: number, stat: FileStat): Promise<number> {
    const mayHaveHoles = stat.allocatedBytes < stat.sizeBytes;
    let offset = 0;
    while (offset < stat.sizeBytes) {
      const stretch = mayHaveHoles ? nextData(fd, offset) : { start: offset, end: stat.sizeBytes };
      if (!stretch) return stat.sizeBytes;
      offset = stretch.start;
      const end = Math.min(stretch.end, stat.sizeBytes);
      while (offset < end) {
        const size = this.frames.dataFrom(fd, offset, end - offset);
        if (size === 0) return offset;
        offset += size;
        if (this.frames.isFull) await this.rest();
      }
    }
    return stat.sizeBytes;
  }

  private entry(entry: NodeEntry | { type: 'hardlink'; path: string; target: string } | { type: 'removed'; path: string }): void {
    this.frames.json('entry', entry);
    this.entries += 1;
  }

  private async flush(): Promise<void> {
    this.options.signal?.throwIfAborted();
    await this.frames.flush();
    this.report();
  }

  private report(): void {
    if (this.frames.bytesWritten > this.reportedBytes) this.options.onBytes?.(this.frames.bytesWritten - this.reportedBytes);
    this.reportedBytes = this.frames.bytesWritten;
  }
}

function describe(step: WalkStep, stat: FileStat): Omit<NodeEntry, 'type' | 'target' | 'device'> {
  const names = portableXattrs(step.directory, step.name);
  const xattrs: Record<string, string> = {};
  for (const name of names) {
    const value = getXattr(step.directory, step.name, name);
    if (value) xattrs[name] = value.toString('base64');
  }
  return {
    path: step.path,
    mode: stat.mode,
    uid: stat.uid,
    gid: stat.gid,
    time: [stat.modifySeconds, stat.modifyNanoseconds],
    ...(names.length === 0 ? {} : { xattrs }),
  };
}

function isGone(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return goneCodes.has(code) || code === 'ENXIO' || code === 'EINVAL';
}
