/** On file systems that are really full: small ones in memory, and one of ext4 in a file. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readFileIfThere, writeFileAtomic } from './atomic-file';
import { provideSpares, spareBytes } from './spare-files';

const text = (size: number): string => 'zap '.repeat(Math.ceil(size / 4)).slice(0, size);

describe.skipIf(process.getuid!() !== 0).each(existsSync('/dev/loop-control') ? ['tmpfs', 'ext4'] : ['tmpfs'])('a file replaced on a disk of kind %s', (kind) => {
  let base: string;
  let disk: string;
  let kept: string;
  let fillers = 0;

  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'zap-full-'));
    disk = join(base, 'disk');
    mkdirSync(disk);
    if (kind === 'ext4') {
      writeFileSync(join(base, 'image'), '');
      truncateSync(join(base, 'image'), 16 << 20);
      execFileSync('mkfs.ext4', ['-q', '-F', '-m', '0', '-b', '4096', join(base, 'image')]);
      execFileSync('mount', ['-o', 'loop', join(base, 'image'), disk]);
    } else execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'zap-full', disk]);
    kept = join(disk, 'pods/record.json');
    provideSpares(join(disk, 'spare'));
    writeFileAtomic(kept, 'old');
  });
  afterEach(() => {
    execFileSync('umount', [disk]);
    rmSync(base, { recursive: true });
  });

  const spares = (): number => readdirSync(join(disk, 'spare')).length;

  /** To the last block, and whatever becomes free. */
  function fill(): void {
    for (const size of [4 << 20, 64 << 10, 4096, 1]) {
      for (;;) {
        const path = join(disk, `filler-${fillers++}`);
        try {
          writeFileSync(path, Buffer.alloc(size, 1));
        } catch {
          rmSync(path);
          break;
        }
      }
    }
  }

  it('goes into a spare one when there is no block left, and is as long as its content', () => {
    fill();
    for (const size of [9000, spareBytes, 0]) {
      writeFileAtomic(kept, text(size));
      fill();
      expect(readFileSync(kept, 'utf8')).toBe(text(size));
    }
    expect(readdirSync(join(disk, 'pods'))).toEqual(['record.json']);
    expect(spares()).toBeLessThanOrEqual(6);
  });

  it('stays the old one when it does not fit into a spare one, or none is left; nothing else is left behind', () => {
    fill();
    expect(() => writeFileAtomic(kept, text(spareBytes + 1))).toThrow(expect.objectContaining({ code: 'ENOSPC' }));
    expect(readFileSync(kept, 'utf8')).toBe('old');
    let written = 0;
    expect(() => {
      for (; written < 9; written++) {
        writeFileAtomic(join(disk, 'pods', `${written}.json`), text(5000));
        fill();
      }
    }).toThrow(expect.objectContaining({ code: 'ENOSPC' }));
    expect(written).toBe(8);
    expect(readdirSync(join(disk, 'pods'))).toHaveLength(9);
  });

  it('spare ones come back when there is room again', () => {
    fill();
    writeFileAtomic(kept, 'new');
    expect(spares()).toBe(7);
    fill();
    provideSpares(join(disk, 'spare'));
    expect(spares()).toBe(7);
    for (const name of readdirSync(disk)) if (name.startsWith('filler-')) rmSync(join(disk, name));
    provideSpares(join(disk, 'spare'));
    expect(readdirSync(join(disk, 'spare')).map((name) => statSync(join(disk, 'spare', name)).size)).toEqual(Array(8).fill(spareBytes));
    expect(readFileIfThere(join(disk, 'none'))).toBeUndefined();
  });
});
