import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeAsar } from './asar.mjs';
import { resolveElectron } from './resolve.mjs';
import { nameOfEntry } from './stand-in.mjs';
import { lockedVersion, objectionTo } from './supported.mjs';
import { unpackZip } from './zip.mjs';

let directory: string;

beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'zap-electron-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

interface Entry {
  name: string;
  content: string;
  mode?: number;
  isStored?: boolean;
}

/** As small as the format allows: no checksums, which the reader leaves to the archive's own. */
function zipOf(entries: Entry[]): Buffer {
  const bodies: Buffer[] = [];
  const directoryEntries: Buffer[] = [];
  let at = 0;
  for (const { name, content, mode = 0o644, isStored = false } of entries) {
    const packed = isStored ? Buffer.from(content) : deflateRawSync(content);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(Buffer.byteLength(name), 26);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(isStored ? 0 : 8, 10);
    central.writeUInt32LE(content === '' ? 0 : packed.length, 20);
    central.writeUInt16LE(Buffer.byteLength(name), 28);
    central.writeUInt32LE((mode << 16) >>> 0, 38);
    central.writeUInt32LE(at, 42);
    directoryEntries.push(central, Buffer.from(name));
    bodies.push(local, Buffer.from(name), packed);
    at += 30 + Buffer.byteLength(name) + packed.length;
  }
  const list = Buffer.concat(directoryEntries);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt32LE(list.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...bodies, list, end]);
}

describe('unpackZip', () => {
  const archive = (): string => join(directory, 'a.zip');

  it('writes what is wanted, under the names wanted, with permissions', async () => {
    writeFileSync(archive(), zipOf([{ name: 'a/', content: '' }, { name: 'a/program', content: 'x'.repeat(100_000), mode: 0o755 }, { name: 'a/text', content: 'plain', isStored: true }, { name: 'a/empty', content: '' }, { name: 'a/left', content: 'out' }]));
    await unpackZip(archive(), join(directory, 'to'), (name) => (name === 'a/left' ? undefined : name));
    expect(readFileSync(join(directory, 'to/a/program'), 'utf8')).toHaveLength(100_000);
    expect(statSync(join(directory, 'to/a/program')).mode & 0o777).toBe(0o755);
    expect(readFileSync(join(directory, 'to/a/text'), 'utf8')).toBe('plain');
    expect(statSync(join(directory, 'to/a/empty')).size).toBe(0);
    expect(() => statSync(join(directory, 'to/a/left'))).toThrow(/ENOENT/);
  });

  it.each(['../outside', '/outside', 'a/../../outside'])('refuses %s', async (name) => {
    writeFileSync(archive(), zipOf([{ name, content: 'x' }]));
    await expect(unpackZip(archive(), join(directory, 'to'))).rejects.toThrow(/leads out/);
  });

  it.each([
    ['no archive', Buffer.from('hello')],
    ['an archive without its end', zipOf([{ name: 'a', content: 'x' }]).subarray(0, 40)],
  ])('refuses %s', async (_name, bytes) => {
    writeFileSync(archive(), bytes);
    await expect(unpackZip(archive(), join(directory, 'to'))).rejects.toThrow(/not a ZIP/);
  });
});

describe('makeAsar', () => {
  it('has the header that Chromium reads, and the files behind it', () => {
    const asar = makeAsar({ 'a.js': 'äb', 'b.json': '{}' });
    const headerBytes = asar.readUInt32LE(4);
    const json = asar.toString('utf8', 16, 16 + asar.readUInt32LE(12));
    expect(JSON.parse(json)).toEqual({ files: { 'a.js': { size: 3, offset: '0' }, 'b.json': { size: 2, offset: '3' } } });
    expect(asar.subarray(8 + headerBytes).toString()).toBe('äb{}');
    expect(headerBytes % 4).toBe(0);
  });
});

describe('nameOfEntry', () => {
  it.each([
    ['Cypress/Cypress', 'electron'],
    ['Cypress/icudtl.dat', 'icudtl.dat'],
    ['Cypress/locales/de.pak', 'locales/de.pak'],
    ['Cypress/resources/app/index.js', undefined],
    ['Cypress/resources/', undefined],
    ['Cypress/browser_v8_context_snapshot.bin', undefined],
    ['Cypress/', undefined],
  ])('%s becomes %s', (name, expected) => expect(nameOfEntry(name)).toBe(expected));
});

describe('resolveElectron', () => {
  it('takes the one it is given, and asks for no other', async () => {
    mkdirSync(join(directory, 'dist'));
    writeFileSync(join(directory, 'dist/version'), 'v45.0.0\n');
    writeFileSync(join(directory, 'dist/electron'), readFileSync('/bin/true'));
    chmodSync(join(directory, 'dist/electron'), 0o755);
    const env = { ...process.env, ELECTRON_OVERRIDE_DIST_PATH: join(directory, 'dist'), XDG_CACHE_HOME: join(directory, 'cache') };
    expect(await resolveElectron({ env })).toEqual({ executable: join(directory, 'dist/electron'), version: '45.0.0', origin: 'given' });
  });

  it('says so when there is none where it was told', async () => {
    await expect(resolveElectron({ env: { ...process.env, ELECTRON_OVERRIDE_DIST_PATH: directory } })).rejects.toThrow(/there is no "electron"/);
  });
});

describe('the version of Electron', () => {
  it('is one of the latest three majors, or it is objected to', () => {
    const verdicts = ['45.4.1', '44.0.0', '43.9.2', '42.9.9', '33.2.1', '46.0.0'].map((version) => objectionTo(version, '45.4.1') === undefined);
    expect(verdicts).toEqual([true, true, true, false, false, true]);
    expect(objectionTo('33.2.1', '45.4.1')).toContain('gets no fixes any more');
    for (const [version, latest] of [['46.0.0-beta.1', '45.4.1'], ['', '45.4.1'], ['45.4.1', 'nonsense']] as const) expect(objectionTo(version, latest)).toBeDefined();
  });

  it('is that of the dependency, and older ones are for development alone', () => {
    const { devDependencies } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as { devDependencies: Record<string, string> };
    expect(devDependencies['electron']).toMatch(/^\^\d+\.\d+\.\d+$/);
    expect(lockedVersion().split('.')[0]).toBe(devDependencies['electron']!.slice(1).split('.')[0]);
    expect(objectionTo('33.2.1', lockedVersion())).toBeDefined();
  });
});
