/**
 * Receives a tree of files, from a sender who may be hostile.
 *
 * Nothing is written but beneath the root: every directory is opened by the kernel's own rule (no `..`, no symbolic link, no magic link on the way)
 * and every file is made anew under one name in it. Devices are refused, but for overlayfs' whiteouts: a POD that owned one could open the
 * host's disk.
 */
import { closeSync, fchmodSync, ftruncateSync, writeSync } from 'node:fs';
import { ZapError } from '../protocol/errors';
import { parseEntry, splitPath, unsafeArchive, type Entry, type NodeEntry } from './entry';
import { broken, FrameReader, type Frame } from './frames';
import { mapXattr, type MapId } from './id-shift';
import { Pacer } from './pacer';
import { ReceivingTree } from './receiving-tree';
import { chmodAt, chownAt, linkAt, makeDirectoryAt, makeNodeAt, O_CREAT, O_EXCL, O_WRONLY, openAt, openRoot, setTimeAt, symlinkAt, toReadable } from '../system/paths';
import { portableXattrs, removeXattr, setXattr } from '../system/xattr';

export interface ReadOptions {
  limits?: { maxEntries?: number; maxBytes?: number };
  signal?: AbortSignal;
  /** Told the bytes that have come in since it was told last. */
  onBytes?: (bytes: number) => void;
  /** Gives each owner its id on this host; may refuse by throwing. */
  mapId?: MapId;
  /** Default: only overlayfs' whiteouts, character devices 0/0. */
  devices?: 'whiteouts' | 'all';
  observer?: ReadObserver;
}

/** Sees what is received, as it is (before ids are mapped). */
export interface ReadObserver {
  entry(entry: Entry): void;
  /** Content of the file named last; what is skipped is zeros. */
  data(bytes: Buffer, offset: number): void;
  endFile(sizeBytes: number): void;
}

export interface ReadResult {
  entries: number;
  bytes: number;
}

export async function readArchive(rootPath: string, chunks: AsyncIterable<Buffer>, options: ReadOptions = {}): Promise<ReadResult> {
  const pacer = new Pacer(options.signal);
  const frames = new FrameReader();
  const receiver = new ArchiveReceiver(rootPath, options);
  const maxBytes = options.limits?.maxBytes ?? Infinity;
  let bytes = 0;
  try {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw unsafeArchive(`it is larger than the limit of ${maxBytes} bytes`, '');
      for (const frame of frames.push(chunk)) {
        receiver.take(frame);
        if (pacer.isDue) await pacer.breathe();
      }
      options.onBytes?.(chunk.length);
    }
    if (!receiver.isComplete || !frames.isAtBoundary) throw broken('it was cut off');
    return { entries: receiver.entries, bytes };
  } finally {
    receiver[Symbol.dispose]();
  }
}

class ArchiveReceiver {
  entries = 0;
  isComplete = false;
  private isStarted = false;
  private readonly root: number;
  private readonly tree: ReceivingTree;
  private readonly maxEntries: number;
  private readonly mapId: MapId;
  private file: { fd: number; directory: number; name: string; entry: NodeEntry } | undefined;

  constructor(
    rootPath: string,
    private readonly options: ReadOptions,
  ) {
    this.root = openRoot(rootPath);
    this.tree = new ReceivingTree(this.root);
    this.maxEntries = options.limits?.maxEntries ?? Infinity;
    this.mapId = options.mapId ?? ((id) => id);
  }

  take(frame: Frame): void {
    if (this.isComplete) throw broken('something follows its end');
    if (!this.isStarted && frame.kind !== 'start') throw broken('it does not begin like an archive');
    if (this.file && frame.kind !== 'data' && frame.kind !== 'endFile') throw broken('a file has no end');
    switch (frame.kind) {
      case 'start':
        this.start(frame.payload);
        break;
      case 'entry':
        this.entry(parseEntry(frame.payload));
        break;
      case 'data':
        this.write(frame.bytes, frame.offset);
        break;
      case 'endFile':
        this.endFile(frame.sizeBytes);
        break;
      case 'end':
        this.tree.restoreTimes();
        this.isComplete = true;
    }
  }

  [Symbol.dispose](): void {
    if (this.file) closeSync(this.file.fd);
    this.tree[Symbol.dispose]();
    closeSync(this.root);
  }

  private start(payload: Buffer): void {
    const expected = JSON.stringify({ format: 'zap-archive', version: 1 });
    if (this.isStarted || payload.toString() !== expected) throw broken('it is of a version that is not known here');
    this.isStarted = true;
  }

  private entry(entry: Entry): void {
    this.entries += 1;
    if (this.entries > this.maxEntries) throw unsafeArchive(`it has more than ${this.maxEntries} entries`, entry.path);
    this.options.observer?.entry(entry);
    const [parent, name] = entry.path === '' ? ['', ''] : splitPath(entry.path);
    const directory = this.tree.openDirectory(parent);
    if (entry.type === 'removed') this.tree.clear(directory, name, entry.path);
    else if (entry.type === 'hardlink') this.link(directory, name, entry);
    else if (entry.type === 'file') {
      const fd = this.tree.make(directory, name, entry.path, () => openAt(directory, name, O_WRONLY | O_CREAT | O_EXCL, 0o600));
      this.file = { fd, directory, name, entry };
    } else {
      this.makeNode(directory, name, entry);
      this.dress(directory, name, entry);
    }
  }

  private link(directory: number, name: string, entry: Extract<Entry, { type: 'hardlink' }>): void {
    const [targetParent, targetName] = splitPath(entry.target);
    const from = this.tree.openDirectory(targetParent);
    try {
      this.tree.make(directory, name, entry.path, () => linkAt(from, targetName, directory, name));
    } catch (error) {
      if (['ENOENT', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw unsafeArchive('a hard link to nothing that can be linked', entry.target, error);
      throw error;
    }
  }

  private makeNode(directory: number, name: string, entry: Exclude<NodeEntry, { type: 'file' }>): void {
    if (entry.type === 'directory') {
      if (entry.path !== '' && !this.tree.isDirectory(directory, name)) this.tree.make(directory, name, entry.path, () => makeDirectoryAt(directory, name, 0o700));
    } else if (entry.type === 'symlink') {
      this.tree.make(directory, name, entry.path, () => symlinkAt(entry.target, directory, name));
    } else if (entry.type === 'fifo') {
      this.tree.make(directory, name, entry.path, () => makeNodeAt(directory, name, 0o010600, 0, 0));
    } else {
      const [major, minor] = entry.device;
      if (!isWhiteout(entry) && this.options.devices !== 'all') throw unsafeArchive('a device', entry.path);
      this.tree.make(directory, name, entry.path, () => makeNodeAt(directory, name, entry.type === 'character' ? 0o020600 : 0o060600, major, minor));
    }
  }

  private write(bytes: Buffer, offset: number): void {
    if (!this.file) throw broken('content without a file');
    this.options.observer?.data(bytes, offset);
    for (let done = 0; done < bytes.length; ) done += writeSync(this.file.fd, bytes, done, bytes.length - done, offset + done);
  }

  private endFile(sizeBytes: number): void {
    if (!this.file) throw broken('an end without a file');
    const { fd, directory, name, entry } = this.file;
    ftruncateSync(fd, sizeBytes);
    this.options.observer?.endFile(sizeBytes);
    this.dress(directory, name, entry, fd);
    closeSync(fd);
    this.file = undefined;
  }

  /** Owner, mode, attributes, time: in this order, as each step would undo part of a later one. */
  private dress(directory: number, name: string, entry: NodeEntry, fd?: number): void {
    // The kernel makes whiteouts as whoever mounted the overlay, the host's root: their owner lies outside of the POD's range. Nobody can open one.
    const mapOwner: MapId = isWhiteout(entry) ? (id) => id : this.mapId;
    chownAt(directory, name, mapOwner(entry.uid), mapOwner(entry.gid));
    if (fd !== undefined) fchmodSync(fd, entry.mode);
    else if (entry.type !== 'symlink') chmodAt(directory, name, entry.mode);
    const xattrs = Object.entries(entry.xattrs ?? {});
    // A directory may have been here before, and everything inherits the default access list of the directory that it is made in.
    for (const present of portableXattrs(directory, name)) if (!xattrs.some(([attribute]) => attribute === present)) removeXattr(directory, name, present);
    for (const [attribute, value] of xattrs) setAttribute(directory, name, attribute, mapXattr(attribute, Buffer.from(value, 'base64'), this.mapId));
    if (entry.type === 'directory') this.tree.rememberTime(entry.path, entry.time);
    else setTimeAt(directory, name, ...entry.time);
  }
}

function isWhiteout(entry: NodeEntry): boolean {
  return entry.type === 'character' && entry.device[0] === 0 && entry.device[1] === 0;
}

function setAttribute(directory: number, name: string, attribute: string, value: Buffer): void {
  try {
    setXattr(directory, name, attribute, value);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EOPNOTSUPP' && (error as NodeJS.ErrnoException).code !== 'ENOTSUP') throw error;
    throw new ZapError('checkpoint/attribute-not-supported', `The file system of this host cannot keep the attribute "${toReadable(attribute)}" of "${toReadable(name)}".`, {
      hint: 'Keep layers on ext4, xfs or btrfs, or on tmpfs with Linux 6.6 or later.',
      data: { attribute: toReadable(attribute), name: toReadable(name) },
      cause: error,
    });
  }
}
