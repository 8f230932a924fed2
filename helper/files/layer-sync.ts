/**
 * Keeps a copy of a POD's layer up to date on another host: everything once while the POD runs, then only what changed.
 *
 * A file counts as changed when its inode, change time, size or attributes differ from what was sent. The times alone would let three changes escape: one in
 * the same tick of the kernel's clock, the rest of a large write (the time is that of its beginning), and writing through a shared mapping (the time moves
 * only when a clean page is first made dirty). So whatever changed shortly before a round, and whatever is mapped when it begins, is sent again in
 * the next, whether it looks changed or not.
 */
import { closeSync } from 'node:fs';
import { ArchiveWriter, type WriteOptions, type WriteResult } from './archive-write';
import { splitPath } from './entry';
import type { Sink } from './frames';
import { sharedWritableFiles } from './mapped-files';
import { Pacer } from './pacer';
import { openIfThere, walkTree } from './walk';
import { openRoot, statAt, statFd } from '../system/paths';
import type { FileStat } from '../system/stat';

export interface SyncOptions extends WriteOptions {
  /** Nothing changes any more: the POD is frozen. */
  isFinal?: boolean;
}

export interface SyncResult extends WriteResult {
  changed: number;
  removed: number;
}

/** What was sent of a file. */
interface Sent {
  stat: FileStat;
  /** Its times cannot be trusted to tell the next change. */
  isUnsure: boolean;
}

export interface LayerSyncOptions {
  /** The POD's process ids now: asked for at the beginning of each round. */
  processes?: () => Iterable<number>;
  /** No single write takes longer, and no clock of a file system ticks slower. */
  unsureMs?: number;
}

export class LayerSync {
  private sent = new Map<string, Sent>();

  private readonly processes: () => Iterable<number>;
  private readonly unsureMs: number;

  constructor(
    private readonly layer: string,
    { processes = () => [], unsureMs = 2000 }: LayerSyncOptions = {},
  ) {
    this.processes = processes;
    this.unsureMs = unsureMs;
  }

  /** Sends all of it. The POD may run: what changes or vanishes meanwhile is put right by a later `delta`. */
  async first(sink: Sink, options: SyncOptions = {}): Promise<SyncResult> {
    this.sent = new Map();
    return this.delta(sink, options);
  }

  /** Sends what changed since the last round; the receiver applies it with `readArchive` to the same directory. */
  async delta(sink: Sink, options: SyncOptions = {}): Promise<SyncResult> {
    const mapped = options.isFinal ? new Set<string>() : sharedWritableFiles(this.processes()); // no round follows the last
    const unsureSinceMs = Date.now() - this.unsureMs;
    const root = openRoot(this.layer);
    try {
      const current = await scan(root, options);
      const changed = this.findChanged(current);
      const removed = [...this.sent.keys()].filter((path) => !current.has(path));
      const writer = new ArchiveWriter(sink, options);
      this.sendRemoved(writer, removed);
      await this.sendChanged(root, writer, changed, options.isFinal ? current : undefined);
      for (const [path, sent] of this.sent) sent.isUnsure = mapped.has(path) || changedAtMs(sent.stat) >= unsureSinceMs;
      return { ...(await writer.close()), changed: changed.length, removed: removed.length };
    } finally {
      closeSync(root);
    }
  }

  private findChanged(current: Map<string, FileStat>): string[] {
    const changed: string[] = [];
    const changedInodes = new Set<number>();
    for (const [path, stat] of current) {
      const sent = this.sent.get(path);
      if (sent && !sent.isUnsure && isSame(sent.stat, stat)) continue;
      changed.push(path);
      if (stat.linkCount > 1 && stat.type !== 'directory') changedInodes.add(stat.inode);
    }
    if (changedInodes.size === 0) return changed;
    // The receiver makes a changed file anew: all names of its inode must be linked to the new one.
    const isChanged = new Set(changed);
    return [...current].filter(([path, stat]) => isChanged.has(path) || (stat.type !== 'directory' && changedInodes.has(stat.inode))).map(([path]) => path);
  }

  private sendRemoved(writer: ArchiveWriter, removed: string[]): void {
    const all = new Set(removed);
    for (const path of removed) {
      if (!all.has(splitPath(path)[0])) writer.remove(path);
      this.sent.delete(path);
    }
  }

  /** Parents come before what is in them, as `scan` found them. What is `known` to be true still need not be asked again. */
  private async sendChanged(root: number, writer: ArchiveWriter, paths: string[], known: Map<string, FileStat> | undefined): Promise<void> {
    using directories = new LastDirectory(root);
    for (const path of paths) {
      const [parent, name] = path === '' ? ['', ''] : splitPath(path);
      // A directory that vanished meanwhile was not sent, so what appeared in its place cannot be either: the next round does both.
      if (path !== '' && this.sent.get(parent)?.stat.type !== 'directory') continue;
      const directory = path === '' ? root : directories.open(parent);
      if (directory === undefined) continue;
      const now = known?.get(path) ?? (path === '' ? statFd(root) : statAt(directory, name));
      const stat = now && (await writer.add({ path, directory, name, stat: now }));
      if (!stat) continue;
      if (stat.type !== 'directory' && this.sent.get(path)?.stat.type === 'directory') this.forgetBelow(path);
      this.sent.set(path, { stat, isUnsure: false });
    }
  }

  /** What was in a directory went with it when the receiver put something else in its place. */
  private forgetBelow(path: string): void {
    for (const sent of this.sent.keys()) if (sent.startsWith(`${path}/`)) this.sent.delete(sent);
  }
}

function changedAtMs(stat: FileStat): number {
  return stat.changeSeconds * 1000 + stat.changeNanoseconds / 1e6;
}

async function scan(root: number, options: SyncOptions): Promise<Map<string, FileStat>> {
  const pacer = new Pacer(options.signal);
  const found = new Map<string, FileStat>();
  for (const { path, stat } of walkTree(root)) {
    // CRIU makes sockets anew.
    if (stat.type !== 'socket' && (options.filter?.(path, stat) ?? true)) found.set(path, stat);
    if (pacer.isDue) await pacer.breathe();
  }
  return found;
}

function isSame(a: FileStat, b: FileStat): boolean {
  return (
    a.inode === b.inode &&
    a.changeNanoseconds === b.changeNanoseconds &&
    a.changeSeconds === b.changeSeconds &&
    a.modifyNanoseconds === b.modifyNanoseconds &&
    a.modifySeconds === b.modifySeconds &&
    a.sizeBytes === b.sizeBytes &&
    a.type === b.type &&
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.linkCount === b.linkCount &&
    a.deviceMajor === b.deviceMajor &&
    a.deviceMinor === b.deviceMinor
  );
}

/** Keeps the directory open that was asked for last: paths come directory by directory. */
class LastDirectory {
  private last: { path: string; fd: number | undefined } | undefined;

  constructor(private readonly root: number) {}

  open(path: string): number | undefined {
    if (this.last?.path === path) return this.last.fd;
    this[Symbol.dispose]();
    const fd = openIfThere(this.root, path);
    this.last = { path, fd };
    return fd;
  }

  [Symbol.dispose](): void {
    if (this.last?.fd !== undefined) closeSync(this.last.fd);
    this.last = undefined;
  }
}
