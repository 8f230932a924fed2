import { chownSync, existsSync, lstatSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isMounted, mountPodRoot, unmountPodRoot, type PodRoot } from './pod-root';
import { ScratchDirectory } from './tree-fixture';
import { run } from '../system/spawn';

const base = 1_234_567_168;

function prepare(scratch: ScratchDirectory, name: string): PodRoot {
  const directory = scratch.make(name);
  const at = (part: string): string => join(directory, part);
  for (const part of ['tree/etc', 'upper', 'work']) mkdirSync(at(part), { recursive: true });
  writeFileSync(at('tree/etc/hostname'), 'lower\n');
  chownSync(at('tree/etc/hostname'), 1000, 1001);
  for (const part of ['upper', 'work']) chownSync(at(part), base, base);
  return { environmentTree: at('tree'), layer: { upper: at('upper'), work: at('work') }, envMount: at('env'), mountpoint: at('root'), uidBase: base };
}

const mountsBelow = (path: string): string[] => readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter((line) => line.includes(path));

it.each(['plain', 'with,comma:colon\\and space', `long${'-name'.repeat(40)}`])('mounts a POD root in a directory named %s', async (name) => {
  using scratch = new ScratchDirectory();
  const root = prepare(scratch, name);
  try {
    await mountPodRoot(root);
    expect(isMounted(root)).toBe(true);
    const hostname = join(root.mountpoint, 'etc/hostname');
    expect(statSync(hostname)).toMatchObject({ uid: base + 1000, gid: base + 1001 });
    writeFileSync(hostname, 'upper\n');
    await run('rm', [hostname]);
    expect(lstatSync(join(root.layer.upper, 'etc/hostname')).isCharacterDevice()).toBe(true);
    expect(readFileSync(join(root.environmentTree, 'etc/hostname'), 'utf8')).toBe('lower\n');
    expect(lstatSync(join(root.layer.upper, 'etc'))).toMatchObject({ uid: base, gid: base });
    await expect(mountPodRoot(root)).rejects.toMatchObject({ code: 'pod/root-mounted' });
    expect(mountsBelow(root.mountpoint).every((line) => !line.includes('shared:'))).toBe(true);
  } finally {
    unmountPodRoot(root);
    unmountPodRoot(root);
  }
  expect(isMounted(root)).toBe(false);
  expect(mountsBelow(scratch.path)).toEqual([]);
});

it('leaves nothing mounted when a directory is missing', async () => {
  using scratch = new ScratchDirectory();
  const root = prepare(scratch, 'pod');
  await expect(mountPodRoot({ ...root, layer: { upper: root.layer.upper, work: join(scratch.path, 'nowhere') } })).rejects.toMatchObject({ code: 'pod/root-not-mounted' });
  expect(mountsBelow(scratch.path)).toEqual([]);
  expect(existsSync(join(scratch.path, 'nowhere'))).toBe(false);
});
