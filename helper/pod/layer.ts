/** What the helper itself puts into a POD's layer, while nothing of the POD runs on it. */
import { chmodSync, chownSync, lstatSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readFileIfThere } from '../system/atomic-file';
import { makeDirectories } from '../system/directories';
import { withUmask } from '../system/umask';
import { podPaths } from './paths';
import type { PodRecord } from './record';
import { commandFile, commandPath, startPath, startScript, tmuxConfiguration, tmuxConfigurationPath } from './start-script';

/** A POD's empty layer: its directory is the POD's root, which all of its users pass. */
export function makeLayer(record: PodRecord): void {
  const { layer } = podPaths(record.id);
  makeDirectories(layer, 0o755);
  chmodSync(layer, 0o755);
  chownSync(layer, record.uidBase, record.uidBase);
}

/** The layer of a POD that has not run yet: nobody else writes in it. */
export function prepareLayer(record: PodRecord, geometry: string): void {
  makeLayer(record);
  put(record, startPath, startScript(record.user, geometry), 0o755);
  put(record, tmuxConfigurationPath, tmuxConfiguration, 0o644);
  if (record.command) put(record, commandPath, commandFile(record.command), 0o644);
  writeIdentity(record);
  if (record.network.profile !== 'none') put(record, 'etc/resolv.conf', readFileIfThere('/etc/resolv.conf') ?? '', 0o644);
}

/** Who the POD is, in the files where programs look that up. */
export function writeIdentity(record: PodRecord): void {
  put(record, 'etc/hostname', `${record.name}\n`, 0o644);
  put(record, 'etc/hosts', `127.0.0.1 localhost\n127.0.1.1 ${record.name}\n::1 localhost ip6-localhost\n`, 0o644);
  put(record, 'etc/machine-id', `${record.id}${'0'.repeat(32 - record.id.length)}\n`, 0o444);
}

function put(record: PodRecord, path: string, content: string, mode: number): void {
  const { layer } = podPaths(record.id);
  for (const part of ancestors(path)) {
    const directory = join(layer, part);
    const there = lstatSync(directory, { throwIfNoEntry: false });
    if (there?.isDirectory()) continue; // a link that the POD planted is not followed but replaced
    rmSync(directory, { force: true });
    withUmask(0, () => mkdirSync(directory, { mode: 0o755 }));
    chownSync(directory, record.uidBase, record.uidBase);
  }
  const target = join(layer, path);
  rmSync(target, { force: true, recursive: true });
  withUmask(0, () => writeFileSync(target, content, { mode, flag: 'wx' }));
  chownSync(target, record.uidBase, record.uidBase);
}

function ancestors(path: string): string[] {
  const parent = dirname(path);
  return parent === '.' ? [] : [...ancestors(parent), parent];
}
