/**
 * Paths of watched files, found while the POD still runs.
 *
 * A file handle of an overlay cannot be opened, so CRIU needs the path of every inotify watch, and would walk the POD's files for it within the freeze
 * (0.35–0.9 s for a desktop). It reads its own cache file first, and checks each line of it with one lstat: what is stale does no harm.
 */
import { lstatSync, readFileSync, readdirSync, writeFileSync, type BigIntStats, type Dirent } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { imageMagic, readImage, writeImage } from './images';
import { decode, encode } from './messages';
import { descendants, descriptorsOf, fdinfoOf, mountsOf } from './process-tree';

export interface Watch {
  /** As the kernel has it: major << 20 | minor. */
  device: number;
  inode: bigint;
}

export interface IrmapCache {
  found: (Watch & { path: string })[];
  /** Deleted, made while the search went on, or on an overlay without xino. CRIU refuses to dump the last for sure. */
  missing: Watch[];
  durationMs: number;
}

export interface IrmapOptions {
  initPid: number;
  /** CRIU's work directory. The cache of an earlier call, if it is still there, answers first. */
  workDirectory: string;
  /** The search gives up after this long. Default 10 s. */
  patienceMs?: number;
}

const cacheName = 'irmap-cache';
/** CRIU opens handles on these by itself, or does not dump them at all. */
const needNoPath = new Set(['tmpfs', 'devtmpfs', 'proc', 'sysfs', 'devpts', 'mqueue', 'cgroup2', 'cgroup']);
const neverSearched = new Set(['/proc', '/sys', '/dev']);
/** /usr is nine tenths of an environment's files, and watched by its directories. */
const searchOrder = ['/etc', '/home', '/root', '/tmp', '/run', '/', '/usr/share', '/usr'];
const searchedLast = '/usr';
/** Looking at each file of a directory this full waits until all directories are known. */
const manyEntries = 300;
const turnMs = 8;

export async function writeIrmapCache(options: IrmapOptions): Promise<IrmapCache> {
  const { initPid, workDirectory, patienceMs = 10_000 } = options;
  const startedMs = performance.now();
  const wanted = new Map(watchesOf(initPid).map((watch) => [keyOf(watch), watch]));
  const found: IrmapCache['found'] = [];
  if (wanted.size > 0) {
    const search = new Search(`/proc/${initPid}/root`, wanted, found, startedMs + patienceMs);
    for (const path of cachedPaths(workDirectory)) search.look(path);
    await search.everywhere();
  }
  const entries = found.map(({ device, inode, path }) => encode('IrmapEntry', { device, inode: inode.toString(), path }));
  writeFileSync(join(workDirectory, cacheName), writeImage({ family: imageMagic.service, kind: imageMagic.irmapCache, entries }), { mode: 0o600 });
  return { found, missing: [...wanted.values()], durationMs: performance.now() - startedMs };
}

/** What the tree's inotify and fanotify descriptors watch, each file once. */
export function watchesOf(initPid: number): Watch[] {
  const devicesThatNeedPaths = new Set(mountsOf(initPid).filter((mount) => !needNoPath.has(mount.fileSystem)).map((mount) => mount.device));
  const watches = new Map<string, Watch>();
  for (const pid of [initPid, ...descendants(initPid)]) {
    for (const descriptor of descriptorsOf(pid)) {
      if (descriptor.target !== 'anon_inode:inotify' && descriptor.target !== 'anon_inode:[fanotify]') continue;
      for (const watch of parseWatches(fdinfoOf(descriptor))) if (devicesThatNeedPaths.has(watch.device)) watches.set(keyOf(watch), watch);
    }
  }
  return [...watches.values()];
}

export function parseWatches(fdinfo: string): Watch[] {
  return [...fdinfo.matchAll(/^(?:inotify wd:|fanotify ).*?\bino:([0-9a-f]+) sdev:([0-9a-f]+)/gm)].map(([, inode, device]) => ({
    device: parseInt(device!, 16),
    inode: BigInt(`0x${inode}`),
  }));
}

/** stat(2) has the device in the C library's encoding, with major and minor interleaved; the kernel's own, which fdinfo and CRIU use, is plain. */
export function kernelDevice(statDevice: bigint): number {
  const major = ((statDevice >> 8n) & 0xfffn) | ((statDevice >> 32n) & 0xfffff000n);
  const minor = (statDevice & 0xffn) | ((statDevice >> 12n) & 0xffffff00n);
  return Number(major * 2n ** 20n + minor);
}

/** Node gives 64-bit inode numbers as signed, and an overlay with xino sets the top bit. */
export function watchOf(stat: BigIntStats): Watch {
  return { device: kernelDevice(stat.dev), inode: BigInt.asUintN(64, stat.ino) };
}

export function keyOf(watch: Watch): string {
  return `${watch.device}:${watch.inode}`;
}

class Search {
  #turnEndsMs = performance.now() + turnMs;
  readonly #later: string[] = [];
  readonly #done = new Set<string>();

  constructor(
    readonly root: string,
    readonly wanted: Map<string, Watch>,
    readonly found: IrmapCache['found'],
    readonly deadlineMs: number,
  ) {}

  /** Most watches are on directories: a stat for every file of /usr comes only when something is still missing. */
  async everywhere(): Promise<void> {
    for (const start of searchOrder) await this.#walk(start);
    for (const path of this.#later) {
      if (this.#isOver()) return;
      this.look(path);
      await this.#letOthersRun();
    }
  }

  look(path: string): BigIntStats | undefined {
    let stat: BigIntStats;
    try {
      stat = lstatSync(this.root + path, { bigint: true });
    } catch {
      return undefined;
    }
    const key = keyOf(watchOf(stat));
    const watch = this.wanted.get(key);
    if (watch) {
      this.wanted.delete(key);
      this.found.push({ ...watch, path: path === '/' ? '/.' : path });
    }
    return stat;
  }

  async #walk(start: string): Promise<void> {
    if (this.look(start)?.isDirectory() !== true) return;
    const queue = [start];
    for (let directory = queue.shift(); directory !== undefined && !this.#isOver(); directory = queue.shift()) {
      if (this.#done.has(directory)) continue;
      this.#done.add(directory);
      await this.#letOthersRun();
      const entries = this.#list(directory);
      const isLater = directory.startsWith(searchedLast) || entries.length > manyEntries;
      for (const entry of entries) {
        const path = join(directory, entry.name);
        if (entry.isDirectory()) {
          this.look(path);
          if (!neverSearched.has(path) && (path !== searchedLast || start === searchedLast)) queue.push(path);
        } else if (isLater) this.#later.push(path);
        else this.look(path);
      }
    }
  }

  #isOver(): boolean {
    return this.wanted.size === 0 || performance.now() > this.deadlineMs;
  }

  #list(directory: string): Dirent[] {
    try {
      return readdirSync(this.root + directory, { withFileTypes: true });
    } catch {
      return [];
    }
  }

  async #letOthersRun(): Promise<void> {
    if (performance.now() < this.#turnEndsMs) return;
    await yieldToOthers();
    this.#turnEndsMs = performance.now() + turnMs;
  }
}

function cachedPaths(workDirectory: string): string[] {
  try {
    return readImage(readFileSync(join(workDirectory, cacheName))).entries.map((entry) => decode('IrmapEntry', entry).path.replace(/^\/\.$/, '/'));
  } catch {
    return []; // none yet, or cut off: it is rewritten whole
  }
}
