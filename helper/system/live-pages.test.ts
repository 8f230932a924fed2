import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { livePages, pageBytes, parseMaps } from './live-pages';

test('mappings: shared memory is told from files, the kernel\'s own are left out', () => {
  const text = `55d0c0a00000-55d0c0a21000 rw-p 00000000 00:00 0                          [heap]
7f0000000000-7f0000400000 rw-s 00000000 00:01 2055                       /memfd:pool (deleted)
7f0000400000-7f0000401000 rw-s 00000000 00:01 9                          /dev/zero (deleted)
7f0000500000-7f0000501000 rw-s 00000000 fe:01 77                         /var/lib/data
7f0000600000-7f0000700000 ---p 00000000 00:00 0
7ffd1a3f0000-7ffd1a3f4000 r--p 00000000 00:00 0                          [vvar]
7ffd1a3f4000-7ffd1a3f6000 r-xp 00000000 00:00 0                          [vdso]
`;
  expect(parseMaps(text).map(({ start, isSharedMemory }) => [start.toString(16), isSharedMemory])).toEqual([
    ['55d0c0a00000', false],
    ['7f0000000000', true],
    ['7f0000400000', true],
    ['7f0000500000', false],
  ]);
});

test('what a process has written is found in its memory while it runs', async () => {
  const marker = `marker-${'x'.repeat(40)}`;
  const child = spawn(process.execPath, ['-e', `const pages = Buffer.alloc(64 * 4096); for (let i = 0; i < 64; i++) pages.write(process.argv[1] + i, i * 4096); console.log('ready'); setInterval(() => pages[0], 1e6)`, marker], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(child.stdout, 'data');
    const found = new Set<number>();
    let bytes = 0;
    for (const { bytes: piece } of livePages(child.pid!)) {
      expect(piece.length % pageBytes).toBe(0);
      bytes += piece.length;
      for (let at = piece.indexOf(marker); at >= 0; at = piece.indexOf(marker, at + 1)) {
        const number = /^\d+/.exec(piece.toString('latin1', at + marker.length, at + marker.length + 3))?.[0];
        if (number !== undefined) found.add(Number(number));
      }
    }
    for (let index = 0; index < 64; index++) expect(found.has(index)).toBe(true);
    expect(bytes).toBeLessThan(200 << 20); // what is there, not what is mapped
  } finally {
    child.kill('SIGKILL');
  }
});

test('a process that is gone has no pages', () => {
  expect([...livePages(0x3fffff)]).toEqual([]);
});
