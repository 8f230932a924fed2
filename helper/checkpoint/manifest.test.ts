import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { imagesName, manifestName, readManifest, updateManifestInit, verifyCheckpoint, writeManifest } from './manifest';

let checkpoint: string;
const part = (name: string): string => join(checkpoint, imagesName, name);
beforeEach(async () => {
  checkpoint = mkdtempSync(join(tmpdir(), 'zap-checkpoint-'));
  mkdirSync(join(checkpoint, imagesName));
  for (const [name, content] of [['core-1.img', 'registers'], ['pages-1.img', 'memory'], ['shm.archive', '']] as const) writeFileSync(part(name), content);
  await writeManifest(checkpoint, { podId: 'abc', criuVersion: '4.2', init: null });
});
afterEach(() => rmSync(checkpoint, { recursive: true, force: true }));

test('an untouched checkpoint is accepted', async () => {
  expect((await verifyCheckpoint(checkpoint, 'abc')).parts.map(({ name, sizeBytes }) => [name, sizeBytes])).toEqual([['core-1.img', 9], ['pages-1.img', 6], ['shm.archive', 0]]);
});

const damages: [what: string, damage: () => void, part: string][] = [
  ['altered', () => writeFileSync(part('pages-1.img'), 'MEMORY'), 'pages-1.img'],
  ['truncated', () => truncateSync(part('core-1.img'), 3), 'core-1.img'],
  ['grown', () => appendFileSync(part('core-1.img'), 'x'), 'core-1.img'],
  ['missing', () => rmSync(part('shm.archive')), 'shm.archive'],
  ['added', () => writeFileSync(part('zz.img'), ''), 'zz.img'],
  ['exchanged', () => { renameSync(part('core-1.img'), part('tmp')); renameSync(part('pages-1.img'), part('core-1.img')); renameSync(part('tmp'), part('pages-1.img')); }, 'core-1.img'],
  ['without its manifest', () => rmSync(join(checkpoint, manifestName)), manifestName],
  ['with a manifest that is no JSON', () => writeFileSync(join(checkpoint, manifestName), '{'), manifestName],
  ['with a manifest that leaves a part out', () => { const manifest = readManifest(checkpoint)!; writeFileSync(join(checkpoint, manifestName), JSON.stringify({ ...manifest, parts: manifest.parts.slice(1) })); }, manifestName],
  ['with a part that leads elsewhere', () => { const manifest = readManifest(checkpoint)!; writeFileSync(join(checkpoint, manifestName), JSON.stringify({ ...manifest, parts: [{ ...manifest.parts[0], name: '../pod.json' }] })); }, manifestName],
];
for (const [what, damage, name] of damages) {
  test(`${what}: refused, and the part is named`, async () => {
    damage();
    await expect(verifyCheckpoint(checkpoint, 'abc')).rejects.toMatchObject({ code: 'checkpoint/damaged', data: { part: name } });
  });
}

test('another POD\'s checkpoint is refused', async () => {
  await expect(verifyCheckpoint(checkpoint, 'other')).rejects.toMatchObject({ code: 'checkpoint/damaged' });
});

test('it can be bound to the processes that live from it, and stays whole', async () => {
  updateManifestInit(checkpoint, { pid: 7, startTicks: 8 });
  expect((await verifyCheckpoint(checkpoint, 'abc')).init).toEqual({ pid: 7, startTicks: 8 });
});
