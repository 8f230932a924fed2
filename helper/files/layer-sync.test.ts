import { appendFileSync, chmodSync, chownSync, existsSync, linkSync, lstatSync, mkdirSync, readFileSync, openSync, closeSync, readdirSync, renameSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync, writeSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteChannel } from './byte-channel';
import { readArchive } from './archive-read';
import { LayerSync, type SyncOptions, type SyncResult } from './layer-sync';
import { start } from '../system/spawn';
import { describeTree, fillWithEverything, ScratchDirectory } from './tree-fixture';
import { makeNodeAt, openRoot } from '../system/paths';
import { listXattrs, removeXattr, setXattr } from '../system/xattr';

async function send(sync: LayerSync, to: string, options: SyncOptions = {}): Promise<SyncResult> {
  const channel = new ByteChannel();
  const [result] = await Promise.all([
    sync.delta(channel, options).then((done) => {
      channel.end();
      return done;
    }),
    readArchive(to, channel),
  ]);
  return result;
}

function everyPath(root: string, below = ''): string[] {
  return readdirSync(join(root, below)).flatMap((name) => {
    const path = join(below, name);
    return lstatSync(join(root, path)).isDirectory() ? [path, ...everyPath(root, path)] : [path];
  });
}

/** Clocks of file systems tick at 100 Hz or faster. */
const clockTickMs = 12;
/** What changed in the last two seconds is sent twice. */
const unsureMs = 2100;

type Mutation = { kind: string; a: number; b: number; size: number };

/** Does one thing to a tree, to names picked by number. What cannot be done there is not done. */
function mutate(root: string, { kind, a, b, size }: Mutation): void {
  const paths = everyPath(root);
  const directories = ['', ...paths.filter((path) => lstatSync(join(root, path)).isDirectory())];
  const picked = join(root, paths[a % Math.max(paths.length, 1)] ?? 'nothing');
  const fresh = join(root, directories[b % directories.length]!, `n${size % 12}`);
  const present = existsSync(picked) && !lstatSync(picked).isSymbolicLink();
  const isFile = present && lstatSync(picked).isFile();
  const directory = openRoot(root);
  const relative = picked.slice(root.length + 1);
  try {
    switch (kind) {
      case 'create':
        return writeFileSync(fresh, Buffer.alloc(size * 97, size));
      case 'mkdir':
        return mkdirSync(fresh);
      case 'write':
        if (isFile) appendFileSync(picked, `more ${size}`);
        return;
      case 'overwrite': // same size: only the times tell
        if (isFile) {
          const fd = openSync(picked, 'r+');
          writeSync(fd, Buffer.from([size & 255]), 0, 1, 0);
          closeSync(fd);
        }
        return;
      case 'backdate':
        if (isFile) {
          writeFileSync(picked, `dated ${size}`);
          utimesSync(picked, 1e9, 1e9);
        }
        return;
      case 'truncate':
        if (isFile) truncateSync(picked, size * 5000);
        return;
      case 'rename':
        return renameSync(picked, fresh);
      case 'delete':
        return rmSync(picked, { recursive: true });
      case 'chmod':
        return chmodSync(picked, (size * 37) & 0o7777);
      case 'chown':
        return chownSync(picked, 100000 + size, 100000 + b);
      case 'hardlink':
        return linkSync(picked, fresh);
      case 'symlink':
        return symlinkSync(`to/${size}`, fresh);
      case 'whiteout':
        return makeNodeAt(directory, fresh.slice(root.length + 1), 0o020000, 0, 0);
      case 'opaque':
        if (present && lstatSync(picked).isDirectory()) {
          if (listXattrs(directory, relative).length > 0) removeXattr(directory, relative, 'trusted.overlay.opaque');
          else setXattr(directory, relative, 'trusted.overlay.opaque', Buffer.from('y'));
        }
    }
  } catch (error) {
    const impossible = ['EEXIST', 'ENOENT', 'EINVAL', 'EPERM', 'ENOTDIR', 'EISDIR', 'ENOTEMPTY', 'ERR_FS_EISDIR', 'ELOOP', 'ENXIO'];
    if (!impossible.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    closeSync(directory);
  }
}

const kinds = ['create', 'mkdir', 'write', 'overwrite', 'backdate', 'truncate', 'rename', 'delete', 'chmod', 'chown', 'hardlink', 'symlink', 'whiteout', 'opaque'];
const mutations = fc.array(fc.record({ kind: fc.constantFrom(...kinds), a: fc.nat(1000), b: fc.nat(1000), size: fc.nat(3000) }), { minLength: 1, maxLength: 40 });

describe('LayerSync', () => {
  it.each([
    { on: tmpdir(), numRuns: 30 },
    { on: '/dev/shm', numRuns: Number(process.env.ZAP_FUZZ_RUNS ?? 30) },
  ])('makes the copy equal, whatever happened between the rounds, on $on', { timeout: 120_000 }, async ({ on, numRuns }) => {
    await fc.assert(
      fc.asyncProperty(mutations, mutations, mutations, async (before, between, after) => {
        using scratch = new ScratchDirectory(on);
        const [from, to] = [scratch.make('from'), scratch.make('to')];
        const sync = new LayerSync(from, { unsureMs: clockTickMs });
        for (const round of [before, between, after]) {
          for (const mutation of round) mutate(from, mutation);
          await sleep(clockTickMs);
          await send(sync, to, { isFinal: round === after });
          expect(describeTree(to)).toEqual(describeTree(from));
        }
      }),
      { numRuns },
    );
  });

  it('sends nothing again that is as it was', async () => {
    using scratch = new ScratchDirectory();
    const [from, to] = [scratch.make('from'), scratch.make('to')];
    fillWithEverything(from, 100000);
    await sleep(unsureMs);
    const sync = new LayerSync(from);
    expect((await send(sync, to)).changed).toBeGreaterThan(10);
    expect(await send(sync, to)).toMatchObject({ changed: 0, removed: 0 });
    appendFileSync(join(from, 'etc/empty'), 'x');
    expect(await send(sync, to)).toMatchObject({ changed: 1 });
    expect(await send(sync, to)).toMatchObject({ changed: 1 }); // it could still have been in the middle of a write
    await sleep(unsureMs);
    await send(sync, to);
    expect(await send(sync, to, { isFinal: true })).toMatchObject({ changed: 0 });
    expect(describeTree(to)).toEqual(describeTree(from));
  });

  it('sees what a process writes through a mapping, which moves no time', async () => {
    using scratch = new ScratchDirectory();
    const [from, to] = [scratch.make('from'), scratch.make('to')];
    mkdirSync(join(from, 'mnt'));
    const file = join(from, 'mnt/mapped');
    writeFileSync(file, Buffer.alloc(8192));
    const program = 'import mmap,sys\nf=open("/mnt/mapped","r+b")\nm=mmap.mmap(f.fileno(),8192)\nfor b in b"abc":\n m[5000]=b\n print(flush=True)\n sys.stdin.readline()';
    // In a mount namespace of its own: what is /mnt there is mnt in the layer.
    const asInPod = ['--mount', '--propagation', 'private', 'sh', '-c', 'mount --bind "$1" /mnt && exec python3 -c "$2"', 'sh', join(from, 'mnt'), program];
    const child = start('unshare', asInPod, { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      await once(child.stdout!, 'data');
      await sleep(unsureMs);
      const sync = new LayerSync(from, { processes: () => [child.pid!] });
      const before = lstatSync(file).ctimeMs;
      await send(sync, to);
      child.stdin!.write('\n');
      await once(child.stdout!, 'data');
      expect(lstatSync(file).ctimeMs).toBe(before);
      await send(sync, to, { isFinal: true });
      expect(readFileSync(join(to, 'mnt/mapped'))[5000]).toBe('b'.charCodeAt(0));
    } finally {
      child.kill();
    }
  });

  it('knows what went with a directory that became a file while it was looked at', async () => {
    using scratch = new ScratchDirectory();
    const [from, to] = [scratch.make('from'), scratch.make('to')];
    mkdirSync(join(from, 'place/within'), { recursive: true });
    const sync = new LayerSync(from, { unsureMs: clockTickMs });
    await sleep(clockTickMs);
    await send(sync, to);
    chmodSync(join(from, 'place'), 0o700);
    await sleep(clockTickMs);
    const replace = (path: string): boolean => {
      if (path === 'place/within') {
        rmSync(join(from, 'place'), { recursive: true });
        writeFileSync(join(from, 'place'), 'a file now');
      }
      return true;
    };
    await send(sync, to, { filter: replace });
    expect(lstatSync(join(to, 'place')).isFile()).toBe(true);
    await send(sync, to, { isFinal: true });
    expect(describeTree(to)).toEqual(describeTree(from));
  });

  it('ends equal when the tree was changing under its eyes', { timeout: 60_000 }, async () => {
    using scratch = new ScratchDirectory();
    const [from, to] = [scratch.make('from'), scratch.make('to')];
    for (let index = 0; index < 100; index++) mutate(from, { kind: kinds[index % 2]!, a: index, b: index * 7, size: index });
    for (let index = 0; index < 400; index++) writeFileSync(join(from, `f${index}`), String(index));
    const sync = new LayerSync(from);
    let seed = 1;
    const random = (): number => (seed = (seed * 48271) % 0x7fffffff);
    const disturb = (): void => {
      for (let count = 0; count < 5; count++) mutate(from, { kind: kinds[random() % kinds.length]!, a: random(), b: random(), size: random() % 300 });
    };
    const busy = setInterval(disturb, 1);
    try {
      for (let round = 0; round < 4; round++) await send(sync, to, { onBytes: disturb });
    } finally {
      clearInterval(busy);
    }
    await send(sync, to, { isFinal: true });
    expect(describeTree(to)).toEqual(describeTree(from));
  });

  it('finds one change among 2,000 files within a freeze', async () => {
    using scratch = new ScratchDirectory();
    const [from, to] = [scratch.make('from'), scratch.make('to')];
    for (let index = 0; index < 2000; index++) {
      if (index % 100 === 0) mkdirSync(join(from, `d${index / 100}`));
      writeFileSync(join(from, `d${Math.floor(index / 100)}`, `f${index}`), String(index));
    }
    await sleep(unsureMs);
    const sync = new LayerSync(from);
    await send(sync, to);
    const times: number[] = [];
    for (let round = 0; round < 9; round++) {
      const start = performance.now();
      await send(sync, to, { isFinal: true });
      times.push(performance.now() - start);
    }
    console.info(`delta over 2,000 files: ${times.map((time) => time.toFixed(1)).join(' ')} ms`);
    expect(Math.min(...times)).toBeLessThan(30);
  });
});
