/**
 * Debian packages by name, version and digest: fetched from the mirror of this machine's own apt, kept in the cache, taken apart without installing
 * anything.
 *
 * A pinned package needs no index: apt's downloader takes its path on the mirror and refuses any other content. So it works without root, on any release.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export const run = promisify(execFile);
const downloader = '/usr/lib/apt/apt-helper';
const cache = join(process.env.ZAP_CACHE_DIR || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'zap'), 'packages');

/** Path of the .deb in the cache. */
export async function fetchPackage({ name, version, sha256, path }) {
  const target = join(cache, `${sha256}.deb`);
  if (existsSync(target) && (await digestOf(target)) === sha256) return target;
  await mkdir(cache, { recursive: true });
  const partial = `${target}.${process.pid}.partial`;
  const url = `${await debianMirror()}/${path}`;
  try {
    await run(downloader, ['download-file', url, partial, `SHA256:${sha256}`], { cwd: cache });
    await rename(partial, target);
  } catch (error) {
    const said = `${error.stderr ?? ''}${error.stdout ?? ''}`;
    if (/404|Hash Sum mismatch/.test(said)) {
      throw new Error(`The Debian mirror no longer has ${name} ${version} as it is pinned (${url}). A maintainer pins what it has now with \`node assets/build/criu-pin.mjs\`.`, { cause: error });
    }
    throw new Error(`${name} ${version} cannot be fetched: ${said.trim().split('\n').at(-1) || error.message}`, { cause: error });
  } finally {
    await rm(partial, { force: true });
    await rm(`${partial}.FAILED`, { force: true });
  }
  return target;
}

export async function unpack(deb, directory) {
  await mkdir(directory, { recursive: true });
  await run('dpkg-deb', ['-x', deb, directory]);
}

/** The mirror that this machine's apt uses; ZAP_DEBIAN_MIRROR names another, as machines that are not Debian need. */
export async function debianMirror() {
  if (process.env.ZAP_DEBIAN_MIRROR) return process.env.ZAP_DEBIAN_MIRROR.replace(/\/$/, '');
  const { stdout } = await run('apt-get', ['indextargets', '--format', '$(SITE)', 'Created-By: Packages']);
  const mirror = stdout.split('\n').find((site) => /\/debian\/?$/.test(site));
  if (!mirror) throw new Error('The sources of this machine’s apt name no Debian mirror. Set ZAP_DEBIAN_MIRROR to the URL of one.');
  return mirror.replace(/\/$/, '');
}

export async function digestOf(path) {
  return createHash('sha256').update(await readFile(path)).digest('hex');
}
