import { randomBytes } from 'node:crypto';
import { appendFileSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readArchive } from '../files/archive-read';
import { writeArchive } from '../files/archive-write';
import { ByteChannel } from '../files/byte-channel';
import { hostSigner, type Signer } from './host-key';
import { imagesName, manifestName, readManifest, updateManifestInit, verifyManifest, writeManifest, type Manifest } from './manifest';
import { chunkBytes, contentKey, sealFile } from './sealed-part';
import { adoptCheckpoint, ArrivingSums, openCheckpoint, storeCheckpoint } from './store';

const podId = '0123456789ab';
const seal = { key: 'ab'.repeat(32), wrapped: 'wrapped' };
const content: Record<string, Buffer> = { 'core-1.img': Buffer.from('registers'), 'pages-1.img': Buffer.concat([randomBytes(chunkBytes + 5), Buffer.from('a secret')]), 'pstree.img': Buffer.from('tree'), 'shm.archive': Buffer.alloc(0), '_odd-.img': randomBytes(chunkBytes * 2) };

let base: string;
let signer: Signer;
let pristine: string;
let checkpoint: string;
let opened: string;
const part = (name: string): string => join(checkpoint, imagesName, name);
const open = (options: { key?: string; podId?: string; signer?: Signer } = {}): Promise<Manifest> => openCheckpoint(checkpoint, opened, { podId, key: seal.key, signer, ...options });

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'zap-checkpoint-'));
  signer = hostSigner(join(base, 'host-key.pem'));
  const images = join(base, 'plain');
  mkdirSync(images);
  for (const [name, bytes] of Object.entries(content)) writeFileSync(join(images, name), bytes);
  pristine = join(base, 'pristine');
  await storeCheckpoint(images, pristine, { podId, criuVersion: '4.2', init: null, seal, signer });
});
afterAll(() => rmSync(base, { recursive: true }));
beforeEach(() => {
  checkpoint = mkdtempSync(join(base, 'copy-'));
  opened = mkdtempSync(join(base, 'opened-'));
  cpSync(pristine, checkpoint, { recursive: true });
});
afterEach(() => [checkpoint, opened].forEach((path) => rmSync(path, { recursive: true })));

test('what was stored comes back, byte for byte; on disk there is nothing of it', async () => {
  const manifest = await open();
  expect(manifest.parts.map(({ name }) => name)).toEqual(Object.keys(content).sort());
  for (const [name, bytes] of Object.entries(content)) expect(readFileSync(join(opened, name)).equals(bytes), name).toBe(true);
  for (const path of readdirSync(pristine, { recursive: true, encoding: 'utf8' }).map((name) => join(pristine, name))) {
    expect(statSync(path).mode & 0o077, path).toBe(0);
    if (statSync(path).isFile()) for (const secret of ['a secret', 'registers', seal.key]) expect(readFileSync(path).includes(secret), path).toBe(false);
  }
});

test('every flipped byte of the small parts and the manifest is found, and the part is named', async () => {
  for (const name of ['core-1.img', 'pstree.img', 'shm.archive', '../manifest.json']) {
    const whole = readFileSync(part(name));
    for (let at = 0; at < whole.length; at++) {
      const spoilt = Buffer.from(whole);
      spoilt[at]! ^= 1 << (at % 8);
      writeFileSync(part(name), spoilt);
      const failure = await open().then(
        () => 'accepted',
        (error: { code: string; data?: { part?: string } }) => `${error.code} ${error.data?.part ?? ''}`,
      );
      expect(failure, `${name} byte ${at}`).toBe(`checkpoint/damaged ${name.replace('../', '')}`);
      rmSync(opened, { recursive: true });
      mkdirSync(opened);
    }
    writeFileSync(part(name), whole);
  }
  await open();
}, 60_000);

function edit(change: (manifest: Manifest) => unknown): void {
  const manifest = readManifest(checkpoint)!;
  writeFileSync(join(checkpoint, manifestName), JSON.stringify(change(manifest) ?? manifest));
}
const swap = (one: string, other: string): void => [[one, 'tmp'], [other, one], ['tmp', other]].forEach(([from, to]) => renameSync(part(from!), part(to!)));
const chunks = (name: string, ...order: number[]): void => {
  const whole = readFileSync(part(name));
  writeFileSync(part(name), Buffer.concat(order.map((chunk) => whole.subarray(chunk * (chunkBytes + 16), (chunk + 1) * (chunkBytes + 16)))));
};

describe('refused by the name of the part', () => {
  test.each<[what: string, damage: () => void, part: string]>([
    ['truncated', () => truncateSync(part('core-1.img'), 3), 'core-1.img'],
    ['grown', () => appendFileSync(part('core-1.img'), 'x'), 'core-1.img'],
    ['missing', () => rmSync(part('shm.archive')), 'shm.archive'],
    ['added', () => writeFileSync(part('zz.img'), ''), 'zz.img'],
    ['exchanged', () => swap('core-1.img', 'pages-1.img'), 'core-1.img'],
    ['its chunks in another order', () => chunks('_odd-.img', 1, 0), '_odd-.img'],
    ['a chunk twice', () => chunks('_odd-.img', 0, 0), '_odd-.img'],
    ['the last byte of a large part flipped', () => { const bytes = readFileSync(part('pages-1.img')); bytes[bytes.length - 1]! ^= 1; writeFileSync(part('pages-1.img'), bytes); }, 'pages-1.img'],
    ['a link in place of a part', () => { rmSync(part('core-1.img')); symlinkSync('/etc/hostname', part('core-1.img')); }, 'core-1.img'],
    ['a directory in place of a part', () => { rmSync(part('core-1.img')); mkdirSync(part('core-1.img')); }, 'core-1.img'],
    ['without its manifest', () => rmSync(join(checkpoint, manifestName)), manifestName],
    ['with a manifest that is no JSON', () => writeFileSync(join(checkpoint, manifestName), '{'), manifestName],
    ['with a manifest that leaves a part out', () => edit((manifest) => ({ ...manifest, parts: manifest.parts.slice(1) })), manifestName],
    ['with a manifest in another order', () => edit((manifest) => void manifest.parts.reverse()), manifestName],
    ['with a manifest that names a part twice', () => void writeManifest(checkpoint, { ...readManifest(checkpoint)!, parts: [readManifest(checkpoint)!.parts[0]!, ...readManifest(checkpoint)!.parts] }, signer), manifestName],
    ['with a part that leads elsewhere', () => edit((manifest) => ({ ...manifest, parts: [{ ...manifest.parts[0], name: '..' }] })), manifestName],
    ['with the key of another checkpoint', () => edit((manifest) => ({ ...manifest, seal: { ...manifest.seal, wrapped: 'other' } })), manifestName],
    ['signed by another host', () => void writeManifest(checkpoint, readManifest(checkpoint)!, hostSigner(join(base, 'other-key.pem'))), manifestName],
    ['of the older kind, without a signature', () => edit(({ signer: _signer, signature: _signature, seal: _seal, ...manifest }) => ({ ...manifest, version: 1 })), manifestName],
  ])('%s', async (_what, damage, name) => {
    damage();
    await expect(open()).rejects.toMatchObject({ code: 'checkpoint/damaged', data: { part: name } });
  });
});

test('a part that somebody who has the key encrypted anew is refused: the key opens, it vouches for nothing', async () => {
  const { parts, seal: sealed } = readManifest(checkpoint)!;
  const index = parts.findIndex(({ name }) => name === 'core-1.img');
  const forged = join(base, 'forged');
  writeFileSync(forged, 'r3gisters');
  rmSync(part('core-1.img'));
  await sealFile(contentKey(seal.key, Buffer.from(sealed.salt, 'hex')), { index, name: 'core-1.img' }, forged, part('core-1.img'));
  await expect(open()).rejects.toMatchObject({ code: 'checkpoint/damaged', data: { part: 'core-1.img' } });
});

test('another POD\'s checkpoint is refused', async () => {
  await expect(open({ podId: 'ba9876543210' })).rejects.toMatchObject({ code: 'checkpoint/damaged' });
});

test('another key is refused before anything is written, and told from damage', async () => {
  await expect(open({ key: 'cd'.repeat(32) })).rejects.toMatchObject({ code: 'checkpoint/wrong-key' });
  expect(readdirSync(opened)).toEqual([]);
});

test('the same content and the same key never give the same bytes', async () => {
  const again = join(base, 'again');
  await storeCheckpoint(join(base, 'plain'), again, { podId, criuVersion: '4.2', init: null, seal, signer });
  for (const name of Object.keys(content)) expect(readFileSync(join(again, imagesName, name)).equals(readFileSync(part(name))), name).toBe(false);
});

test('it can be bound to the processes that live from it, and stays whole', async () => {
  updateManifestInit(checkpoint, { pid: 7, startTicks: 8 }, signer);
  expect((await open()).init).toEqual({ pid: 7, startTicks: 8 });
});

test('a host\'s key is made once, for root alone', () => {
  const path = join(base, 'made-key.pem');
  const [first, again] = [hostSigner(path), hostSigner(path)];
  expect(again.publicKey).toBe(first.publicKey);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  writeFileSync(path, 'rubbish');
  expect(() => hostSigner(path)).toThrow(/cannot be read/);
});

describe('taken over from another host', () => {
  let here: Signer;
  let arrived: string;
  beforeEach(() => {
    here = hostSigner(join(base, 'here-key.pem'));
    arrived = mkdtempSync(join(base, 'arrived-'));
  });

  async function arrive(): Promise<Manifest> {
    const channel = new ByteChannel();
    const sums = new ArrivingSums();
    const sending = writeArchive(checkpoint, channel).then(() => channel.end(), (error: unknown) => channel.fail(error));
    try {
      await readArchive(arrived, channel, { observer: sums });
    } catch (error) {
      channel.fail(error);
      throw error;
    } finally {
      await sending;
    }
    return adoptCheckpoint(arrived, podId, sums, here);
  }

  test('it is verified without any key, signed anew, and opens there', async () => {
    const manifest = await arrive();
    expect(manifest.signer).toBe(here.publicKey);
    await openCheckpoint(arrived, opened, { podId, key: seal.key, signer: here });
    expect(readFileSync(join(opened, 'core-1.img')).equals(content['core-1.img']!)).toBe(true);
    expect(() => verifyManifest(arrived, podId, signer)).toThrow(/not signed by this host/);
  });

  test.each<[what: string, damage: () => void, part: string]>([
    ['a flipped byte', () => { const bytes = readFileSync(part('pstree.img')); bytes[2]! ^= 4; writeFileSync(part('pstree.img'), bytes); }, 'pstree.img'],
    ['a file beside it', () => writeFileSync(join(checkpoint, 'more'), ''), 'more'],
    ['a part of parts', () => { mkdirSync(part('deep')); writeFileSync(part('deep/er'), ''); }, 'images/deep'],
    ['a link as a part', () => { rmSync(part('core-1.img')); symlinkSync('/etc/passwd', part('core-1.img')); }, 'images/core-1.img'],
    ['a hole', () => { truncateSync(part('_odd-.img'), 0); truncateSync(part('_odd-.img'), chunkBytes * 2 + 32); }, '_odd-.img'],
    ['a signature that is another\'s', () => edit((manifest) => ({ ...manifest, signer: here.publicKey })), manifestName],
  ])('%s is refused', async (_what, damage, name) => {
    damage();
    await expect(arrive()).rejects.toMatchObject({ code: 'checkpoint/damaged', data: { part: name } });
    expect(() => verifyManifest(arrived, podId, here)).toThrow(/damaged/);
  });

  test('the manifest of one checkpoint with the parts of another is refused', async () => {
    await storeCheckpoint(join(base, 'plain'), join(base, 'newer'), { podId, criuVersion: '4.2', init: null, seal, signer });
    copyFileSync(join(base, 'newer', manifestName), join(checkpoint, manifestName));
    await expect(arrive()).rejects.toMatchObject({ code: 'checkpoint/damaged', data: { part: '_odd-.img' } });
  });
});
