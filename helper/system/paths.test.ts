import { closeSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { O_RDONLY, openBeneath, openInRoot, openRoot } from './paths';

let base: string;
let root: number;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'zap-paths-'));
  mkdirSync(join(base, 'root/etc'), { recursive: true });
  writeFileSync(join(base, 'secret'), 'of the host');
  writeFileSync(join(base, 'root/etc/passwd'), 'of the POD');
  for (const [name, target] of [['absolute', join(base, 'secret')], ['upwards', '../secret'], ['far-up', `${'../'.repeat(40)}etc/passwd`], ['process', '/proc/self/cwd'], ['within', '/etc/passwd']] as const) symlinkSync(target, join(base, 'root', name));
  root = openRoot(join(base, 'root'));
});
afterEach(() => {
  closeSync(root);
  rmSync(base, { recursive: true });
});

function read(open: typeof openInRoot, path: string): string {
  let fd = -1;
  try {
    fd = open(root, path, O_RDONLY);
    return readFileSync(fd, 'utf8');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code!;
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}

describe('a path in the files of a POD', () => {
  it('is followed as one of its own programs would: its root is the top of everything', () => {
    expect(['etc/passwd', 'within', 'far-up', '../etc/passwd'].map((path) => read(openInRoot, path))).toEqual(Array(4).fill('of the POD'));
    expect(['absolute', 'upwards', '../secret', join(base, 'secret'), 'process/secret'].map((path) => read(openInRoot, path))).toEqual(Array(5).fill('ENOENT'));
  });

  it('that must lie beneath a directory is refused as soon as anything leads elsewhere, be it back', () => {
    expect(read(openBeneath, 'etc/passwd')).toBe('of the POD');
    expect(['within', 'upwards', 'absolute'].map((path) => read(openBeneath, path))).toEqual(Array(3).fill('ELOOP'));
    expect(['../secret', 'etc/../../secret', '/etc/passwd'].map((path) => read(openBeneath, path))).toEqual(Array(3).fill('EXDEV'));
  });
});
