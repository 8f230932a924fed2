/** Watches on an overlay whose layer lies on another file system: the case where only the cache lets CRIU dump. */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { run } from '../../helper/system/spawn';
import { readImage } from '../../helper/criu/images';
import { watchesOf, writeIrmapCache } from '../../helper/criu/irmap-cache';
import { decode } from '../../helper/criu/messages';
import { dumpOptions } from '../../helper/criu/options';
import { startProbeTree, type ProbeTree } from '../../helper/criu/probe';
import { CriuSession } from '../../helper/criu/session';
import { describeWithCriu } from './criu-here';

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
