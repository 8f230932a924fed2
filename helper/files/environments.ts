/**
 * The environments of a host.
 *
 * Each is stored once under its digest, as a plain directory (never an overlay: CRIU cannot name files on stacked overlays) that is complete or not there at
 * all. Names point to digests. Helpers of several users work on the same store at once: what is being made has a directory of its own, and becoming an
 * environment is one rename.
 */
import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ZapError } from '../protocol/errors';
import { EnvironmentDigest, EnvironmentName, type EnvironmentInfo, type Recipe } from '../protocol/model';
import { readFileIfThere, writeFileAtomic } from '../system/atomic-file';
import { Lock } from '../system/lock';
import { idsPerPod } from '../system/mounts';
import { readArchive } from './archive-read';
import { writeArchive, type WriteOptions, type WriteResult } from './archive-write';
import { buildTree, type BuildOptions } from './build-environment';
import { copyTree } from './copy-tree';
import { describeEnvironment, requireEnvironmentRoot } from './environment-root';
import type { Sink } from './frames';
import { IncompleteDirectory, removeAbandoned } from './incomplete';
import { importTar } from './import-tar';
import { digestTree, TreeDigest } from './tree-digest';

const Stored = z.object({
  version: z.literal(1),
  digest: EnvironmentDigest,
  description: z.string(),
  createdAt: z.string(),
  sizeBytes: z.number(),
  files: z.number(),
  hasDisplay: z.boolean(),
  user: z.string(),
});
const Names = z.record(EnvironmentName, EnvironmentDigest);

export interface ReceiveOptions {
  signal?: AbortSignal;
  onBytes?: (bytes: number) => void;
  limits?: { maxEntries: number; maxBytes: number };
}

export class EnvironmentStore {
  constructor(private readonly root = '/var/lib/zap/environments') {
    // Its programs with the set-user-ID bit belong to the host's own root: nobody of the host may reach them.
    mkdirSync(root, { recursive: true, mode: 0o700 });
  }

  /** Removes what a crash has left; once, when the helper starts. */
  async recover(): Promise<void> {
    await removeAbandoned(this.root);
    if (existsSync(this.cache)) await removeAbandoned(this.cache);
  }

  async list(): Promise<EnvironmentInfo[]> {
    const found = readdirSync(this.root).flatMap((name) => (/^[0-9a-f]{64}$/.test(name) ? [this.read(`sha256:${name}`)] : []));
    return found.filter((info) => info !== undefined).sort((a, b) => a.createdAt.localeCompare(b.createdAt));
  }

  async get(reference: string): Promise<EnvironmentInfo | undefined> {
    const digest = reference.startsWith('sha256:') ? reference : this.names()[reference];
    return digest === undefined ? undefined : this.read(digest);
  }

  treePath(digest: string): string {
    return join(this.directory(digest), 'tree');
  }

  /** Makes an environment from a recipe, with the packages of the host's own Debian mirror, and gives it the recipe's name. */
  async build(recipe: Recipe, options: BuildOptions): Promise<EnvironmentInfo> {
    await using incomplete = new IncompleteDirectory(this.root);
    const tree = incomplete.make('tree');
    await buildTree(recipe, incomplete.path, tree, this.cache, options);
    options.onLine('Computing the digest');
    return await this.adopt(incomplete.path, await digestTree(tree, options.signal), recipe.name);
  }

  /** Takes over the files of a Linux system: a directory, or a tar archive (plain, gzip or zstd). */
  async importTree(source: string | AsyncIterable<Buffer>, name: string, options: ReceiveOptions = {}): Promise<EnvironmentInfo> {
    await using incomplete = new IncompleteDirectory(this.root);
    const tree = incomplete.make('tree');
    const observer = new TreeDigest();
    const reading = { ...options, observer, mapId: requireOrdinaryId };
    if (typeof source !== 'string') await importTar(tree, source, reading);
    else await copyTree(source, tree, { ...reading, filter: (path, stat) => !['character', 'block'].includes(stat.type) && !/^(?:proc|sys|dev|run)\//.test(path) });
    return await this.adopt(incomplete.path, observer, name);
  }

  /** Receives an environment from another host; it must be the very one that was asked for. */
  async receive(digest: string, chunks: AsyncIterable<Buffer>, options: ReceiveOptions & { name?: string } = {}): Promise<EnvironmentInfo> {
    await using incomplete = new IncompleteDirectory(this.root);
    const observer = new TreeDigest();
    const { name, ...reading } = options;
    await readArchive(incomplete.make('tree'), chunks, { ...reading, observer, mapId: requireOrdinaryId });
    if (observer.digest() !== digest) {
      throw new ZapError('environment/digest-mismatch', 'What came is not the environment that was asked for.', { hint: 'Do not trust the host that it came from.', data: { expected: digest, received: observer.digest() } });
    }
    return await this.adopt(incomplete.path, observer, name);
  }

  async send(digest: string, sink: Sink, options: WriteOptions = {}): Promise<WriteResult> {
    return await writeArchive(this.treePath(digest), sink, options);
  }

  /** Gives a name to an environment, taking it from the one that had it. */
  async name(digest: string, name: string): Promise<void> {
    using _ = await this.lock();
    this.requireThere(digest);
    this.writeNames({ ...this.names(), [EnvironmentName.parse(name)]: digest });
  }

  async remove(reference: string, { isInUse }: { isInUse: (digest: string) => boolean }): Promise<EnvironmentInfo> {
    await using removed = new IncompleteDirectory(this.root);
    using _ = await this.lock();
    const info = await this.get(reference);
    if (!info) throw unknown(reference);
    if (isInUse(info.digest)) {
      throw new ZapError('environment/in-use', `A POD on this host uses the environment "${info.names[0] ?? info.digest}".`, { hint: 'Move or delete its PODs first.', data: { digest: info.digest } });
    }
    this.writeNames(Object.fromEntries(Object.entries(this.names()).filter(([, digest]) => digest !== info.digest)));
    renameSync(this.directory(info.digest), join(removed.path, 'removed'));
    return info;
  }

  /** Makes a finished tree an environment. One that is there already stays, and takes the name. */
  private async adopt(incomplete: string, computed: TreeDigest, name: string | undefined): Promise<EnvironmentInfo> {
    const tree = join(incomplete, 'tree');
    requireEnvironmentRoot(tree);
    const digest = computed.digest();
    using _ = await this.lock();
    if (!this.read(digest)) {
      const { description, hasDisplay, user } = describeEnvironment(tree);
      const stored: z.infer<typeof Stored> = { version: 1, digest, description, createdAt: new Date().toISOString(), sizeBytes: computed.sizeBytes, files: computed.files, hasDisplay, user };
      const finished = join(incomplete, 'finished');
      mkdirSync(finished, { mode: 0o755 });
      renameSync(tree, join(finished, 'tree'));
      writeFileAtomic(join(finished, 'environment.json'), `${JSON.stringify(stored, null, 2)}\n`);
      renameSync(finished, this.directory(digest));
    }
    if (name !== undefined) this.writeNames({ ...this.names(), [EnvironmentName.parse(name)]: digest });
    return this.requireThere(digest);
  }

  private read(digest: string): EnvironmentInfo | undefined {
    const text = readFileIfThere(join(this.directory(digest), 'environment.json'));
    if (text === undefined) return undefined;
    const { version: _, ...info } = Stored.parse(JSON.parse(text));
    const names = Object.entries(this.names()).flatMap(([name, named]) => (named === digest ? [name] : []));
    return { ...info, names };
  }

  private requireThere(digest: string): EnvironmentInfo {
    const info = this.read(digest);
    if (!info) throw unknown(digest);
    return info;
  }

  private directory(digest: string): string {
    return join(this.root, EnvironmentDigest.parse(digest).slice('sha256:'.length));
  }

  private names(): Record<string, string> {
    return Names.parse(JSON.parse(readFileIfThere(join(this.root, 'names.json')) ?? '{}'));
  }

  private writeNames(names: Record<string, string>): void {
    writeFileAtomic(join(this.root, 'names.json'), `${JSON.stringify(names, null, 2)}\n`);
  }

  private lock(): Promise<Lock> {
    return Lock.take(join(this.root, '.lock'));
  }

  /** Packages and base systems, beside the store and on its file system. */
  private get cache(): string {
    return join(this.root, '..', 'cache');
  }
}

function requireOrdinaryId(id: number): number {
  if (id < idsPerPod) return id;
  throw new ZapError('environment/ids-out-of-range', `A file belongs to the id ${id}; a POD has the ids 0 to ${idsPerPod - 1}.`, { hint: 'Change the owner of such files before importing.', data: { id } });
}

function unknown(reference: string): ZapError {
  return new ZapError('environment/unknown', `This host has no environment "${reference}".`, { hint: 'zap env list shows those there are; zap env build makes one.', data: { environment: reference } });
}
