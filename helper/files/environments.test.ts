import { chmodSync, chownSync, existsSync, linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../system/spawn';
import { openRoot } from '../system/paths';
import { setXattr } from '../system/xattr';
import { ByteChannel } from './byte-channel';
import { EnvironmentStore } from './environments';
import { describeTree, fileCapability, ScratchDirectory } from './tree-fixture';
import { digestTree } from './tree-digest';

let scratch: ScratchDirectory;
let store: EnvironmentStore;
beforeEach(() => {
  scratch = new ScratchDirectory();
  store = new EnvironmentStore(join(scratch.path, 'environments'));
});
afterEach(() => {
  const left = existsSync(join(scratch.path, 'environments')) ? readdirSync(join(scratch.path, 'environments')).filter((name) => name.startsWith('.incomplete')) : [];
  scratch[Symbol.dispose]();
  expect(left).toEqual([]);
});

/** The least that a POD can start from, with a bit of everything beside it. */
function makeRoot(name: string, without: string[] = []): string {
  const root = scratch.make(name);
  mkdirSync(join(root, 'usr/bin'), { recursive: true });
  symlinkSync('usr/bin', join(root, 'bin'));
  for (const program of ['sh', 'env', 'base64', 'getent', 'unshare', 'setpriv', 'tini'].filter((program) => !without.includes(program))) {
    writeFileSync(join(root, 'usr/bin', program), `${program}\n`, { mode: 0o755 });
  }
  mkdirSync(join(root, 'usr/lib/zap'), { recursive: true });
  writeFileSync(join(root, 'usr/lib/zap/environment.json'), JSON.stringify({ name, description: 'for a test', hasDisplay: true, user: 'user' }));
  mkdirSync(join(root, 'home/user'), { recursive: true });
  chownSync(join(root, 'home/user'), 1000, 1000);
  writeFileSync(join(root, 'usr/bin/sudo'), 'sudo\n');
  chmodSync(join(root, 'usr/bin/sudo'), 0o4755);
  linkSync(join(root, 'usr/bin/sudo'), join(root, 'usr/bin/sudoedit'));
  return root;
}

async function send(from: EnvironmentStore, digest: string): Promise<ByteChannel> {
  const channel = new ByteChannel();
  void from.send(digest, channel).then(
    () => channel.end(),
    (error: unknown) => channel.fail(error),
  );
  return channel;
}

describe('the store of environments', () => {
  it('keeps a directory under its digest, and its name', async () => {
    const root = makeRoot('root');
    const info = await store.importTree(root, 'small');
    expect(info).toMatchObject({ names: ['small'], description: 'for a test', hasDisplay: true, user: 'user', files: 9 });
    expect(await store.list()).toEqual([info]);
    expect(await store.get('small')).toEqual(info);
    expect(await store.get(info.digest)).toEqual(info);
    expect(await store.get('nothing')).toBeUndefined();
    expect(describeTree(store.treePath(info.digest))).toEqual(describeTree(root));
    expect(statSync(join(scratch.path, 'environments')).mode & 0o777).toBe(0o700);
  });

  it('gives one digest to the same files, whenever and however they were made', async () => {
    const first = await store.importTree(makeRoot('one'), 'a');
    const other = makeRoot('two');
    writeFileSync(join(other, 'usr/lib/zap/environment.json'), readFileSync(join(scratch.path, 'one/usr/lib/zap/environment.json')));
    const second = await store.importTree(other, 'b');
    expect(second.digest).toBe(first.digest);
    expect(second.names.sort()).toEqual(['a', 'b']);
    expect(await store.list()).toHaveLength(1);
    expect((await digestTree(store.treePath(first.digest))).digest()).toBe(first.digest);
    chmodSync(join(other, 'usr/bin/tini'), 0o700);
    expect((await store.importTree(other, 'b')).digest).not.toBe(first.digest);
    expect((await store.get('a'))?.names).toEqual(['a']);
  });

  it('says what is missing in files that a POD cannot start from', async () => {
    await expect(store.importTree(makeRoot('poor', ['tini', 'setpriv', 'unshare']), 'poor')).rejects.toMatchObject({
      code: 'environment/not-a-root',
      hint: 'Install there first: util-linux tini',
      data: { missing: ['/usr/bin/unshare', '/usr/bin/setpriv', '/usr/bin/tini'] },
    });
    await expect(store.importTree(scratch.make('empty'), 'empty')).rejects.toMatchObject({ code: 'environment/not-a-root' });
    expect(await store.list()).toEqual([]);
  });

  it('refuses owners that a POD does not have', async () => {
    const root = makeRoot('root');
    chownSync(join(root, 'home/user'), 70000, 0);
    await expect(store.importTree(root, 'wild')).rejects.toMatchObject({ code: 'environment/ids-out-of-range', data: { id: 70000 } });
  });

  it('is received from another store, and only if it is the one asked for', async () => {
    const root = makeRoot('root');
    const capable = openRoot(root);
    setXattr(capable, 'home', 'security.capability', fileCapability(0));
    const info = await store.importTree(root, 'small');
    const other = new EnvironmentStore(join(scratch.path, 'other'));
    expect(await other.receive(info.digest, await send(store, info.digest), { name: 'copy' })).toMatchObject({ digest: info.digest, names: ['copy'] });
    expect(describeTree(other.treePath(info.digest))).toEqual(describeTree(root));
    const wrong = `sha256:${'0'.repeat(64)}`;
    await expect(other.receive(wrong, await send(store, info.digest))).rejects.toMatchObject({ code: 'environment/digest-mismatch' });
    expect(await other.get(wrong)).toBeUndefined();
  });

  it('removes what no POD uses, with its names', async () => {
    const info = await store.importTree(makeRoot('root'), 'small');
    await store.name(info.digest, 'also');
    await expect(store.remove('small', { isInUse: (digest) => digest === info.digest })).rejects.toMatchObject({ code: 'environment/in-use' });
    await store.remove('also', { isInUse: () => false });
    expect(await store.list()).toEqual([]);
    expect(await store.get('small')).toBeUndefined();
    await expect(store.remove('small', { isInUse: () => false })).rejects.toMatchObject({ code: 'environment/unknown' });
    expect(existsSync(store.treePath(info.digest))).toBe(false);
  });

  it('removes what a crash left, and nothing that is being made', async () => {
    const environments = join(scratch.path, 'environments');
    mkdirSync(join(environments, '.incomplete-0000/tree/deep'), { recursive: true });
    writeFileSync(join(environments, '.incomplete-1111.lock'), '');
    const { IncompleteDirectory } = await import('./incomplete');
    const busy = new IncompleteDirectory(environments);
    await new EnvironmentStore(environments).recover();
    expect(readdirSync(environments).filter((name) => name.startsWith('.incomplete') && !name.endsWith('.lock'))).toEqual([busy.path.slice(environments.length + 1)]);
    await busy[Symbol.asyncDispose]();
  });

  it('is shared by several helpers', async () => {
    const stores = Array.from({ length: 4 }, () => new EnvironmentStore(join(scratch.path, 'environments')));
    const root = makeRoot('root');
    const infos = await Promise.all(stores.map((each, index) => each.importTree(root, `name${index}`)));
    expect(new Set(infos.map((info) => info.digest)).size).toBe(1);
    expect((await store.list()).map((info) => info.names.sort())).toEqual([['name0', 'name1', 'name2', 'name3']]);
  });

  it('forgets an import that was called off', async () => {
    const root = makeRoot('root');
    writeFileSync(join(root, 'large'), Buffer.alloc(30_000_000));
    const abort = new AbortController();
    await expect(store.importTree(root, 'large', { signal: abort.signal, onBytes: () => abort.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    expect(await store.list()).toEqual([]);
  });
});

describe('a tar archive', () => {
  async function tar(root: string, ...options: string[]): Promise<string> {
    const file = join(scratch.path, 'archive.tar');
    await run('tar', ['-C', root, ...options, '-cf', file, '.']);
    return file;
  }

  it.each(['gnu', 'pax', 'ustar'])('of format %s becomes an environment', async (format) => {
    const root = makeRoot('root');
    if (format !== 'ustar') writeFileSync(join(root, 'home/user', `${'long-name-'.repeat(20)}ü`), 'x');
    symlinkSync(`/${'far/'.repeat(format === 'ustar' ? 10 : 40)}`, join(root, 'link'));
    writeFileSync(Buffer.concat([Buffer.from(`${root}/bytes-`), Buffer.from([0xff])]), 'x');
    if (format === 'pax') setXattr(openRoot(root), 'home', 'security.capability', fileCapability(0xfffe));
    const info = await store.importTree(createReadStream(await tar(root, `--format=${format}`, '--xattrs', '--xattrs-include=*')), 'tarred');
    const tree = store.treePath(info.digest);
    const withoutTimes = (path: string): string[] => describeTree(path).map((line) => line.replace(/"time":\[[^\]]*\],/, ''));
    expect(withoutTimes(tree)).toEqual(withoutTimes(root));
    if (format === 'pax') expect(describeTree(tree)).toEqual(describeTree(root));
    expect((await store.importTree(root, 'direct')).digest).toBe(info.digest);
  });

  it('may be compressed', async () => {
    const root = makeRoot('root');
    const bytes = gzipSync(readFileSync(await tar(root)));
    async function* pieces(): AsyncGenerator<Buffer> {
      for (let offset = 0; offset < bytes.length; offset += 100) yield bytes.subarray(offset, offset + 100);
    }
    expect((await store.importTree(pieces(), 'zipped')).digest).toBe((await store.importTree(root, 'direct')).digest);
  });

  it('may name no directories, and bring devices that are left out', async () => {
    const root = makeRoot('root');
    await run('mknod', [join(root, 'null'), 'c', '1', '3']);
    const files = ['bin', 'null', ...readdirSync(join(root, 'usr/bin')).map((name) => `usr/bin/${name}`)];
    const file = join(scratch.path, 'files.tar');
    await run('tar', ['-C', root, '-cf', file, ...files]);
    const info = await store.importTree(createReadStream(file), 'sparse');
    expect(existsSync(join(store.treePath(info.digest), 'null'))).toBe(false);
    expect(lstatSync(join(store.treePath(info.digest), 'usr')).mode & 0o777).toBe(0o755);
  });

  it.each([
    ['a path upwards', ['--transform=s,^\\./usr/bin/tini,../escaped,']],
    ['a path through a link', ['--transform=s,^\\./usr/bin/tini,bin/../../escaped,']],
  ])('is refused for %s', async (_, options) => {
    const file = await tar(makeRoot('root'), '-P', ...options);
    await expect(store.importTree(createReadStream(file), 'hostile')).rejects.toMatchObject({ code: 'checkpoint/unsafe-archive' });
    expect(existsSync(join(scratch.path, 'environments/escaped'))).toBe(false);
  });

  it('is refused when a link leads outside', async () => {
    const root = scratch.make('root');
    symlinkSync(scratch.path, join(root, 'out'));
    const file = join(scratch.path, 'hostile.tar');
    await run('tar', ['-C', root, '-cf', file, 'out']);
    writeFileSync(join(scratch.make('more'), 'escaped'), 'x');
    await run('tar', ['-C', join(scratch.path, 'more'), '--transform=s,^,out/,', '-rf', file, 'escaped']);
    await expect(store.importTree(createReadStream(file), 'hostile')).rejects.toMatchObject({ code: 'checkpoint/unsafe-archive' });
    expect(existsSync(join(scratch.path, 'escaped'))).toBe(false);
  });

  it('is refused when it is none, or cut off', async () => {
    const bytes = readFileSync(await tar(makeRoot('root')));
    async function* only(part: Buffer): AsyncGenerator<Buffer> {
      yield part;
    }
    await expect(store.importTree(only(Buffer.from('<html>'.repeat(200))), 'page')).rejects.toMatchObject({ code: 'environment/not-a-tar' });
    await expect(store.importTree(only(bytes.subarray(0, 2000)), 'cut')).rejects.toMatchObject({ code: 'environment/not-a-tar' });
    await expect(store.importTree(only(Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0])), 'xz')).rejects.toMatchObject({ code: 'environment/not-a-tar' });
  });
});
