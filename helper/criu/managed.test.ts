import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { damagedFiles, ensureManaged, managedDirectory, readBundle } from './managed';

const files = { criu: ['#!/bin/sh\n', 0o755], 'lib/libc.so.6': ['a library', 0o644], 'licences/criu': ['', 0o644] } as const;

function bundleBytes(contents: Record<string, readonly [text: string, mode: number]> = files): Buffer {
  const entries = Object.entries(contents).map(([path, [text, mode]]) => ({ path, mode, sizeBytes: text.length, sha256: createHash('sha256').update(text).digest('hex') }));
  const header = Buffer.from(JSON.stringify({ files: entries }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  return Buffer.concat([length, header, brotliCompressSync(Buffer.from(Object.values(contents).map(([text]) => text).join('')))]);
}

let root: string;
beforeEach(() => void (root = join(mkdtempSync(join(tmpdir(), 'zap-managed-')), 'criu')));
afterEach(() => rmSync(join(root, '..'), { recursive: true }));

describe('the CRIU that is carried along', () => {
  const bundle = readBundle(bundleBytes());

  it('is unpacked whole, once', async () => {
    expect(await ensureManaged(bundle, root)).toEqual({ binary: join(managedDirectory(bundle, root), 'criu'), replaced: [] });
    expect(readdirSync(root)).toEqual([bundle.digest.slice(0, 16)]);
    for (const [path, [text, mode]] of Object.entries(files)) {
      expect(readFileSync(join(managedDirectory(bundle, root), path), 'utf8')).toBe(text);
      expect(statSync(join(managedDirectory(bundle, root), path)).mode & 0o7777).toBe(mode);
    }
    const { ino } = statSync(managedDirectory(bundle, root));
    await ensureManaged(bundle, root);
    expect(statSync(managedDirectory(bundle, root)).ino).toBe(ino);
  });

  it.each<[string, (path: string) => void]>([
    ['a flipped byte', (path) => writeFileSync(path, 'a libraru')],
    ['another size', (path) => writeFileSync(path, '')],
    ['another mode', (path) => chmodSync(path, 0o666)],
    ['no file', (path) => rmSync(path)],
    ['a directory in its place', (path) => (rmSync(path), mkdirSync(path))],
  ])('is replaced after damage: %s', async (_what, damage) => {
    await ensureManaged(bundle, root);
    damage(join(managedDirectory(bundle, root), 'lib/libc.so.6'));
    expect(damagedFiles(bundle, root)).toEqual(['lib/libc.so.6']);
    expect((await ensureManaged(bundle, root)).replaced).toEqual(['lib/libc.so.6']);
    expect(damagedFiles(bundle, root)).toEqual([]);
    expect(readdirSync(root)).toHaveLength(1);
  });

  it('refuses contents that are not what the header says, and leaves nothing', async () => {
    const damaged = { ...bundle, compressed: brotliCompressSync(Buffer.from('#!/bin/sh\na libraru')) };
    await expect(ensureManaged(damaged, root)).rejects.toMatchObject({ code: 'criu/damaged', data: { file: 'lib/libc.so.6' } });
    const cutOff = { ...bundle, compressed: bundle.compressed.subarray(0, -3) };
    await expect(ensureManaged(cutOff, root)).rejects.toMatchObject({ code: 'criu/not-unpackable' });
    expect(readdirSync(root)).toEqual([]);
  });

  it('says where it could not be unpacked', async () => {
    mkdirSync(join(root, '..'), { recursive: true });
    writeFileSync(root, 'a file in its way');
    await expect(ensureManaged(bundle, root)).rejects.toMatchObject({ code: 'criu/not-unpackable', data: { directory: managedDirectory(bundle, root) } });
  });

  it('keeps three versions and nothing half done', async () => {
    const versions = ['1', '2', '3', '4', '5'].map((text) => readBundle(bundleBytes({ criu: [text, 0o755] })));
    mkdirSync(join(root, '.partial-abc/new'), { recursive: true });
    for (const version of versions) await ensureManaged(version, root);
    expect(readdirSync(root)).toHaveLength(3);
    expect(existsSync(managedDirectory(versions[4]!, root))).toBe(true);
    expect(existsSync(managedDirectory(versions[0]!, root))).toBe(false);
  });
});
