import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readArchive, type ReadOptions } from './archive-read';
import { writeArchive } from './archive-write';
import { copyTree } from './copy-tree';
import { frameKinds } from './frames';
import { shiftIds } from './id-shift';
import { accessList, describeTree, fileCapability, fillWithEverything, ScratchDirectory } from './tree-fixture';
import { run } from '../system/spawn';
import { openRoot } from '../system/paths';
import { getXattr, setXattr } from '../system/xattr';

async function collect(root: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  await writeArchive(root, { write: async (chunk) => void chunks.push(chunk) });
  return Buffer.concat(chunks);
}

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let offset = 0; offset < bytes.length; offset += size) yield bytes.subarray(offset, offset + size);
}

describe('an archive', () => {
  it('carries everything a layer can hold', async () => {
    using scratch = new ScratchDirectory();
    const [from, to] = [scratch.make('from'), scratch.make('to')];
    fillWithEverything(from, 100000);
    await copyTree(from, to);
    expect(describeTree(to)).toEqual(describeTree(from));
    const list = async (root: string): Promise<string> => (await run('find', [root, '-printf', '%P|%y|%m|%U:%G|%T@|%l|%n\\n'])).stdout.split('\n').sort().join('\n');
    expect(await list(to)).toBe(await list(from));
    expect(statSync(join(to, 'sparse')).blocks * 512).toBeLessThan(1024 * 1024);
  });

  it('arrives in pieces of any size', async () => {
    using scratch = new ScratchDirectory();
    const from = scratch.make('from');
    mkdirSync(join(from, 'a/b'), { recursive: true });
    for (let index = 0; index < 30; index++) writeFileSync(join(from, 'a/b', `file${index}`), Buffer.alloc(index * 37, index));
    const bytes = await collect(from);
    for (const size of [1, 7, 4096]) {
      const to = scratch.make(`to${size}`);
      await readArchive(to, pieces(bytes, size));
      expect(describeTree(to)).toEqual(describeTree(from));
    }
  });

  it('moves owners to another range, inside access lists and file capabilities too', async () => {
    using scratch = new ScratchDirectory();
    const [from, to] = [scratch.make('from'), scratch.make('to')];
    writeFileSync(join(from, 'file'), 'x');
    fillWithEverything(from, 100000);
    await run('chown', ['-R', '-h', '100000:100000', from]);
    const before = openRoot(from);
    expect(getXattr(before, 'setuid', 'security.capability')).toBeUndefined(); // chown took it away
    setXattr(before, 'setuid', 'security.capability', fileCapability(100000));
    await copyTree(from, to, { mapId: shiftIds(100000, 700000) });
    expect(statSync(join(to, 'etc/motd'))).toMatchObject({ uid: 700000, gid: 700000 });
    const after = openRoot(to);
    expect(getXattr(after, 'setuid', 'security.capability')).toEqual(fileCapability(700000));
    expect(getXattr(after, 'etc', 'system.posix_acl_access')).toEqual(accessList(700007));
    await expect(copyTree(from, scratch.make('other'), { mapId: shiftIds(0, 700000) })).rejects.toMatchObject({ code: 'checkpoint/unsafe-archive' });
  });

  it('stops when told to, and tells of its bytes', async () => {
    using scratch = new ScratchDirectory();
    const from = scratch.make('from');
    writeFileSync(join(from, 'large'), Buffer.alloc(20_000_000));
    let bytes = 0;
    await copyTree(from, scratch.make('to'), { onBytes: (more) => (bytes += more) });
    expect(bytes).toBeGreaterThan(20_000_000);
    const abort = new AbortController();
    const cancelled = copyTree(from, scratch.make('never'), { signal: abort.signal, onBytes: () => abort.abort() });
    await expect(cancelled).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('a hostile archive', () => {
  const attributes = { mode: 0o644, uid: 0, gid: 0, time: [0, 0] };
  const frame = (kind: keyof typeof frameKinds, payload: Buffer | object): Buffer => {
    const bytes = Buffer.isBuffer(payload) ? payload : Buffer.from(JSON.stringify(payload));
    const header = Buffer.from([frameKinds[kind], 0, 0, 0, 0]);
    header.writeUInt32BE(bytes.length, 1);
    return Buffer.concat([header, bytes]);
  };
  const archive = (...entries: object[]): Buffer =>
    Buffer.concat([
      frame('start', { format: 'zap-archive', version: 1 }),
      ...entries.map((entry) => Buffer.concat([frame('entry', { ...((entry as { type: string }).type === 'hardlink' ? {} : attributes), ...entry }), (entry as { type: string }).type === 'file' ? frame('endFile', Buffer.alloc(8)) : Buffer.alloc(0)])),
      frame('end', { entries: entries.length }),
    ]);
  const file = (path: string): object => ({ type: 'file', path });

  async function receive(bytes: Buffer, options: ReadOptions = {}): Promise<string> {
    using scratch = new ScratchDirectory();
    const to = scratch.make('to');
    writeFileSync(join(scratch.path, 'secret'), 'before');
    symlinkSync('..', join(to, 'planted'));
    try {
      await readArchive(to, pieces(bytes, 1000), options);
      return 'accepted';
    } catch (error) {
      return (error as { code?: string }).code ?? String(error);
    } finally {
      expect(readFileSync(join(scratch.path, 'secret'), 'utf8')).toBe('before');
      expect(existsSync(join(scratch.path, 'escaped'))).toBe(false);
    }
  }

  it('is accepted when there is nothing wrong with it', async () => {
    expect(await receive(archive({ type: 'directory', path: 'a' }, file('a/b'), { type: 'hardlink', path: 'c', target: 'a/b' }))).toBe('accepted');
  });

  const unsafe: Record<string, Buffer> = {
    'a path upwards': archive(file('../escaped')),
    'a path upwards in the middle': archive({ type: 'directory', path: 'a' }, file('a/../../escaped')),
    'an absolute path': archive(file('/tmp/escaped')),
    'a NUL in a path': archive(file('a\0b')),
    'an empty part': archive({ type: 'directory', path: 'a' }, file('a//b')),
    'a dot': archive(file('./b')),
    'a root that is a file': archive(file('')),
    'a character that is no byte': archive(file('文')),
    'a link that was there before': archive(file('planted/escaped')),
    'a link of its own': archive({ type: 'symlink', path: 'out', target: '..' }, file('out/escaped')),
    'a link to the root': archive({ type: 'symlink', path: 'out', target: '/' }, file('out/tmp/escaped')),
    'a directory that turned into a link': archive({ type: 'directory', path: 'd' }, file('d/x'), { type: 'symlink', path: 'd', target: '..' }, file('d/escaped')),
    'a hard link to outside': archive({ type: 'hardlink', path: 'a', target: '../secret' }),
    'a hard link through a link': archive({ type: 'hardlink', path: 'a', target: 'planted/secret' }),
    'a hard link to nothing': archive({ type: 'hardlink', path: 'a', target: 'nothing' }),
    'a hard link to a directory': archive({ type: 'directory', path: 'd' }, { type: 'hardlink', path: 'a', target: 'd' }),
    'a hard link into what it replaces': archive({ type: 'directory', path: 'd' }, file('d/x'), { type: 'hardlink', path: 'd', target: 'd/x' }),
    'a removal outside': archive({ type: 'removed', path: '../secret' }),
    'a removal through a link': archive({ type: 'removed', path: 'planted/secret' }),
    'a removal of the root': archive({ type: 'removed', path: '' }),
    'a disk': archive({ type: 'block', path: 'disk', device: [254, 0] }),
    'memory': archive({ type: 'character', path: 'mem', device: [1, 1] }),
    'an unknown type': archive({ type: 'door', path: 'a' }),
    'a key that is not known': archive({ type: 'directory', path: 'a', surprise: 1 }),
    'a wild owner': archive({ type: 'directory', path: 'a', uid: 2 ** 32 }),
    'a header that is no JSON': Buffer.concat([frame('start', { format: 'zap-archive', version: 1 }), frame('entry', Buffer.from('{'))]),
  };
  it.each(Object.entries(unsafe))('is refused for %s', async (_, bytes) => {
    expect(await receive(bytes)).toBe('checkpoint/unsafe-archive');
  });

  it('is refused beyond the limits', async () => {
    const bytes = archive(file('a'), file('b'), file('c'));
    expect(await receive(bytes, { limits: { maxEntries: 2 } })).toBe('checkpoint/unsafe-archive');
    expect(await receive(bytes, { limits: { maxBytes: 200 } })).toBe('checkpoint/unsafe-archive');
    expect(await receive(bytes, { limits: { maxEntries: 3, maxBytes: 2000 } })).toBe('accepted');
  });

  it('is broken when cut off anywhere, or damaged', async () => {
    const bytes = archive({ type: 'directory', path: 'a' }, file('a/b'));
    for (let length = 0; length < bytes.length; length++) expect(await receive(bytes.subarray(0, length))).toBe('checkpoint/broken-archive');
    expect(await receive(Buffer.concat([bytes, bytes]))).toBe('checkpoint/broken-archive');
    expect(await receive(Buffer.from('HTTP/1.1 200 OK\r\n'))).toBe('checkpoint/broken-archive');
  });
});
