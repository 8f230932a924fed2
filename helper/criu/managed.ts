/**
 * The CRIU that comes with the helper, unpacked on this host.
 *
 * It lies in a directory named by the digest of what it must contain, appears there whole or not at all, and belongs to root. It is started through the
 * loader it brings, so it needs nothing of the host's libraries and nothing of it is bound to a path.
 */
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { getRawAsset, isSea } from 'node:sea';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';
import { ZapError } from '../protocol/errors';
import { commonUmask, withUmask } from '../system/umask';

export interface ManagedFile {
  path: string;
  mode: number;
  sizeBytes: number;
  sha256: string;
}

/** What is carried: the list of its files, and their contents, still compressed. */
export interface CriuBundle {
  digest: string;
  files: readonly ManagedFile[];
  compressed: Buffer;
}

const assetName = 'criu.bundle';
const partialPrefix = '.partial-';
/** Another version of the helper may be at work on this host with its own. */
const keptVersions = 3;

/** Made by assets/build/criu.mjs; undefined in a helper that was built without. */
export function carriedBundle(): CriuBundle | undefined {
  if (!isSea()) return undefined;
  try {
    return readBundle(Buffer.from(getRawAsset(assetName)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SINGLE_EXECUTABLE_APPLICATION_ASSET_NOT_FOUND') return undefined;
    throw error;
  }
}

export function readBundle(bytes: Buffer): CriuBundle {
  const contentsAt = 4 + bytes.readUInt32LE(0);
  const header = bytes.subarray(4, contentsAt);
  const { files } = JSON.parse(header.toString()) as Pick<CriuBundle, 'files'>;
  return { digest: createHash('sha256').update(header).digest('hex'), files, compressed: bytes.subarray(contentsAt) };
}

export function managedDirectory(bundle: CriuBundle, root: string): string {
  return join(root, bundle.digest.slice(0, 16));
}

/** Files that are not what they should be: another content, size, mode or owner, or missing. */
export function damagedFiles(bundle: CriuBundle, root: string): string[] {
  const directory = managedDirectory(bundle, root);
  return bundle.files.filter((file) => !isIntact(join(directory, file.path), file)).map(({ path }) => path);
}

function isIntact(path: string, { mode, sizeBytes, sha256 }: ManagedFile): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat?.isFile() || stat.size !== sizeBytes || (stat.mode & 0o7777) !== mode || stat.uid !== process.getuid?.()) return false;
  return digestOf(readFileSync(path)) === sha256;
}

/** The unpacked CRIU, whole: unpacked if it is not there or was damaged, which `replaced` tells. One at a time on a host. */
export async function ensureManaged(bundle: CriuBundle, root: string): Promise<{ binary: string; replaced: string[] }> {
  const directory = managedDirectory(bundle, root);
  const binary = join(directory, 'criu');
  const isThere = statSync(directory, { throwIfNoEntry: false }) !== undefined;
  const damaged = isThere ? damagedFiles(bundle, root) : [];
  if (isThere && damaged.length === 0) return { binary, replaced: [] };
  try {
    await unpack(bundle, root, directory);
  } catch (error) {
    if (error instanceof ZapError) throw error;
    const what = damaged.length > 0 ? `is damaged on this host (${damaged.join(', ')}) and cannot be replaced` : 'cannot be unpacked on this host';
    throw new ZapError(damaged.length > 0 ? 'criu/damaged' : 'criu/not-unpackable', `The CRIU that Zap brings along ${what}: ${(error as Error).message}`, {
      hint: `Is there room in ${root}, and may it be written to?`,
      data: { directory, damaged },
      cause: error,
    });
  }
  removeOthers(root, directory);
  return { binary, replaced: damaged };
}

async function unpack(bundle: CriuBundle, root: string, directory: string): Promise<void> {
  const contents = await promisify(brotliDecompress)(bundle.compressed);
  mkdirSync(root, { recursive: true, mode: 0o755 });
  const partial = mkdtempSync(join(root, partialPrefix));
  try {
    let at = 0;
    for (const file of bundle.files) {
      const content = contents.subarray(at, (at += file.sizeBytes));
      if (digestOf(content) !== file.sha256) {
        throw new ZapError('criu/damaged', `The helper's own copy of CRIU is damaged (${file.path}).`, { hint: 'Install the helper again.', data: { file: file.path } });
      }
      const path = join(partial, 'new', file.path);
      withUmask(commonUmask, () => {
        mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
        writeFileSync(path, content, { mode: file.mode, flag: 'wx' }); // not synced: after a power cut all of it is looked at again
      });
    }
    if (statSync(directory, { throwIfNoEntry: false })) renameSync(directory, join(partial, 'old'));
    renameSync(join(partial, 'new'), directory);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/** What interrupted runs have left, and the oldest of the other versions. The one in use counts as the newest. */
function removeOthers(root: string, directory: string): void {
  const now = new Date();
  utimesSync(directory, now, now);
  const entries = readdirSync(root).map((name) => ({ path: join(root, name), isPartial: name.startsWith(partialPrefix) }));
  const byAge = entries.filter(({ isPartial }) => !isPartial).map(({ path }) => ({ path, modifiedMs: statSync(path).mtimeMs })).sort((a, b) => b.modifiedMs - a.modifiedMs);
  for (const { path } of [...entries.filter(({ isPartial }) => isPartial), ...byAge.slice(keptVersions)]) rmSync(path, { recursive: true, force: true });
}

function digestOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
