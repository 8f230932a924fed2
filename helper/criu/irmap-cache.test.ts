/** Watches on an overlay whose layer lies on another file system: the case where only the cache lets CRIU dump. */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { run } from '../system/spawn';
import { readImage } from './images';
import { kernelDevice, parseWatches, watchesOf, writeIrmapCache } from './irmap-cache';
import { decode } from './messages';
import { dumpOptions } from './options';
import { startProbeTree, type ProbeTree } from './probe';
import { CriuSession } from './session';
import { describeWithCriu } from './with-criu';

test('reads the watches of fdinfo', () => {
  const fdinfo = [
    'pos:\t0', 'flags:\t02004000', 'mnt_id:\t16', 'ino:\t1057',
    'inotify wd:2 ino:9e7e sdev:800013 mask:800afce ignored_mask:0 fhandle-bytes:8 fhandle-type:1 f_handle:7e9e0000640d1b6d',
    'inotify wd:1 ino:c00000000000a111 sdev:3a mask:800afce ignored_mask:0 fhandle-bytes:8 fhandle-type:1 f_handle:11a1000020542153',
    'fanotify ino:4f969 sdev:800013 mflags:0 mask:3b ignored_mask:40000000 fhandle-bytes:8 fhandle-type:1 f_handle:69f90400c275b5b4',
    'fanotify mnt_id:12 mflags:40 mask:38 ignored_mask:40000003',
  ].join('\n');
  expect(parseWatches(fdinfo)).toEqual([
    { inode: 0x9e7en, device: 0x800013 },
    { inode: 0xc00000000000a111n, device: 0x3a },
    { inode: 0x4f969n, device: 0x800013 },
  ]);
});

test.each([
  ['an overlay, 0:58', 0x3an, 58],
  ['a disk, 254:0', 0xfe00n, 254 * 2 ** 20],
  ['a minor beyond 255, 0:300', (300n & 0xffn) | ((300n & ~0xffn) << 12n), 300],
  ['a major beyond 4095, 5000:1', ((5000n & 0xfffn) << 8n) | ((5000n & ~0xfffn) << 32n) | 1n, 5000 * 2 ** 20 + 1],
])('device numbers: %s', (_, statDevice, expected) => {
  expect(kernelDevice(statDevice)).toBe(expected);
});

describeWithCriu('inotify paths', (binary) => {
  let directory: string;
  let overlay: string;
  let tree: ProbeTree;
  const inotify = process.arch === 'arm64' ? { init: 26, add: 27 } : { init: 294, add: 254 };
  /** From the environment, from the layer, a plain file of each, the root, and one deep down. */
  const watched = ['/', '/etc', '/etc/passwd', '/layer-made', '/layer-made/file', '/usr/share/perl5'];

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'zap-irmap-test-'));
    const [layer, files] = [join(directory, 'layer'), join(directory, 'files')];
    mkdirSync(layer);
    mkdirSync(files);
    await run('mount', ['-t', 'tmpfs', 'tmpfs', layer]);
    for (const name of ['upper', 'work']) mkdirSync(join(layer, name));
    mkdirSync(join(layer, 'upper/layer-made'));
    writeFileSync(join(layer, 'upper/layer-made/file'), '');
    // An environment has programs and settings, not whatever else this machine holds: the rest is whited out.
    const isOfAnEnvironment = (name: string) => /^(usr|bin|sbin|lib.*|etc|proc)$/.test(name);
    for (const name of readdirSync('/')) if (!isOfAnEnvironment(name)) await run('mknod', [join(layer, 'upper', name), 'c', '0', '0']);
    const adds = watched.map((path) => `my $p = "${path}"; syscall(${inotify.add}, $i, $p, 2) > 0 or exit 1;`).join('\n');
    writeFileSync(join(layer, 'upper/watch.pl'), `my $i = syscall(${inotify.init}, 0);\n${adds}\nsleep 3600 while 1;\n`);
    await run('mount', ['-t', 'overlay', 'overlay', '-o', `xino=on,lowerdir=/,upperdir=${layer}/upper,workdir=${layer}/work`, files]);
    overlay = files;
    tree = await startProbeTree({ program: ['perl', '/watch.pl'], files: overlay, isRootWritable: true });
    await vi.waitFor(() => expect(watchesOf(tree.initPid)).toHaveLength(watched.length));
  });

  afterEach(async () => {
    await tree.end();
    await run('umount', [overlay]);
    await run('umount', [join(directory, 'layer')]);
    rmSync(directory, { recursive: true });
  });

  const dump = async () => {
    const imagesDirectory = join(directory, 'images');
    rmSync(imagesDirectory, { recursive: true, force: true });
    mkdirSync(imagesDirectory);
    await using session = await CriuSession.start({ binary, workDirectory: directory });
    return await session.dump(dumpOptions({ initPid: tree.initPid, imagesDirectory }));
  };

  test('are found, and CRIU dumps with them', async () => {
    const cache = await writeIrmapCache({ initPid: tree.initPid, workDirectory: directory });
    expect(cache.missing).toEqual([]);
    expect(cache.found.map((entry) => entry.path).sort()).toEqual(watched.map((path) => (path === '/' ? '/.' : path)).sort());
    const entries = readImage(readFileSync(join(directory, 'irmap-cache'))).entries.map((entry) => decode('IrmapEntry', entry));
    expect(entries).toHaveLength(watched.length);

    console.info(`${watched.length} watches found in ${cache.durationMs.toFixed(0)} ms`);
    const again = await writeIrmapCache({ initPid: tree.initPid, workDirectory: directory });
    expect(again.found).toHaveLength(watched.length);
    expect(again.durationMs).toBeLessThan(Math.max(20, cache.durationMs));

    console.info(`again in ${again.durationMs.toFixed(1)} ms`);
    const outcome = await dump();
    expect(outcome.tree).toBe('killed');
    expect(outcome.times!.inotifyPathsMs).toBeLessThan(5);
  });

  test('without them CRIU refuses, and says why', async () => {
    await expect(dump()).rejects.toMatchObject({ code: 'criu/inotify-path-unknown', data: { isTransient: true } });
  });
});
