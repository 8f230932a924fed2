import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { rearmTimers, removedSegments } from './amend';
import { imageMagic, readImage, writeImage } from './images';
import { decode, encode, type TimerEntry } from './messages';

let directory: string;
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'zap-amend-'))));
afterEach(() => rmSync(directory, { recursive: true }));

const family = imageMagic.common;
const timer = (change: Partial<TimerEntry>): TimerEntry => ({ id: 3, flags: 2, owner: Buffer.from([8, 0]), clock: 1, ticks: 4, settingFlags: 0, valueSeconds: 0, valueNanoseconds: 0, intervalSeconds: 0, intervalNanoseconds: 0, ...change });
const file = (of: TimerEntry): Uint8Array => encode('FileEntry', { type: 17, id: 3, timer: of });

test('a periodic timer that has expired fires again after its interval; all other files stay as they are, byte for byte', () => {
  const unknown = Buffer.from([8, 1, 16, 9, 26, 2, 8, 5]);
  const kept = [unknown, file(timer({})), file(timer({ valueNanoseconds: 7, intervalSeconds: 1 }))];
  const path = join(directory, 'files.img');
  writeFileSync(path, writeImage({ family, kind: imageMagic.files, entries: [...kept, file(timer({ intervalSeconds: 2, intervalNanoseconds: 5 }))] }), { mode: 0o644 });
  expect(rearmTimers(directory)).toBe(1);
  const { entries } = readImage(readFileSync(path));
  expect(entries.slice(0, 3)).toEqual(kept.map((entry) => Buffer.from(entry)));
  expect(decode('FileEntry', entries[3]!)).toMatchObject({ type: 17, id: 3, timer: { ticks: 4, owner: Buffer.from([8, 0]), valueSeconds: 2, valueNanoseconds: 5, intervalSeconds: 2, intervalNanoseconds: 5 } });
  expect(rearmTimers(directory)).toBe(0);
});

test('segments that were removed are known by their mark', () => {
  expect(removedSegments(directory)).toEqual([]);
  const entries = [{ mode: 0o1600, id: 5 }, { mode: 0o600, id: 6 }].map((segment) => encode('SegmentEntry', { segment }));
  writeFileSync(join(directory, 'ipcns-shm-9.img'), writeImage({ family, kind: imageMagic.segments, entries }));
  expect(removedSegments(directory)).toEqual([5]);
});
