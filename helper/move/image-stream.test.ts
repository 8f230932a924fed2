import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { readArchive } from '../files/archive-read';
import { ByteChannel } from '../files/byte-channel';
import { completePages, ImageStream } from './image-stream';

test('a file with memory is complete when a higher number is there', () => {
  expect(completePages(['core-1.img', 'pages-1.img', 'pagemap-1.img'])).toEqual([]);
  expect(completePages(['pages-10.img', 'pages-2.img', 'pages-9.img'])).toEqual(['pages-2.img', 'pages-9.img']);
  expect(completePages([])).toEqual([]);
});

test('what is written during the dump arrives once and whole', async () => {
  const base = mkdtempSync(join(tmpdir(), 'zap-images-'));
  try {
    const [from, to] = [join(base, 'from'), join(base, 'to')];
    for (const path of [from, to]) mkdirSync(path);
    const channel = new ByteChannel();
    const received = readArchive(to, channel);
    const stream = new ImageStream(from, channel);
    stream.start();
    for (let number = 1; number <= 4; number++) {
      writeFileSync(join(from, `pages-${number}.img`), Buffer.alloc(number * 100_000, number));
      await sleep(8);
    }
    writeFileSync(join(from, 'pages-4.img'), Buffer.alloc(3, 9), { flag: 'a' }); // the last one still grows
    writeFileSync(join(from, 'inventory.img'), 'last');
    await stream.finish();
    channel.end();
    await received;
    expect(readdirSync(to).sort()).toEqual(readdirSync(from).sort());
    for (const name of readdirSync(from)) expect(readFileSync(join(to, name)).equals(readFileSync(join(from, name)))).toBe(true);
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
});
