/**
 * The CRIU that the helper carries along: dist/criu.bundle.
 *
 * The packages that assets/criu/packages.json pins, their program, loader and libraries unchanged, in one file:
 * length of the header (4 bytes, little-endian), header (JSON: files with path, mode, sizeBytes, sha256), all contents one after the other, compressed.
 * Starting CRIU through its own loader spares patching it to a fixed directory: CRIU never executes itself again.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';
import { fetchPackage, unpack } from './criu-packages.mjs';

const compress = promisify(brotliCompress);
const here = dirname(fileURLToPath(import.meta.url));
const assets = resolve(here, '../criu');

/**
 * The loader carries the name of the program, since that is the name by which the kernel knows the process. Plugins of the host's own CRIU are of another
 * version; in this directory nothing is called *.so.
 */
const startScript = `#!/bin/sh
here=\${0%/*}
exec "$here/loader/criu" --inhibit-cache --library-path "$here/lib" --argv0 criu "$here/lib/criu" --libdir "$here" "$@"
`;

/** Makes the bundle of what is pinned, unless it is there and of the same inputs. Rejects when a package cannot be had. */
export async function buildCriuBundle(bundle, pins = join(assets, 'packages.json')) {
  const stamp = `${bundle}.inputs`;
  const inputs = createHash('sha256');
  for (const path of [pins, join(assets, 'NOTICE.md'), fileURLToPath(import.meta.url)]) inputs.update(await readFile(path));
  const digest = inputs.digest('hex');
  if (existsSync(bundle) && existsSync(stamp) && (await readFile(stamp, 'utf8')) === digest) return;

  const { packages } = JSON.parse(await readFile(pins, 'utf8'));
  const scratch = await mkdtemp(join(tmpdir(), 'zap-criu-bundle-'));
  try {
    const debs = await Promise.all(packages.map(fetchPackage));
    const root = join(scratch, 'all');
    for (const [index, deb] of debs.entries()) {
      await unpack(deb, join(scratch, packages[index].name));
      await unpack(deb, root); // documents are links from one package to another
    }
    const entries = [{ path: 'criu', mode: 0o755, content: Buffer.from(startScript) }, { path: 'NOTICE.md', mode: 0o644, content: Buffer.from(withSources(await readFile(join(assets, 'NOTICE.md'), 'utf8'), packages)) }];
    for (const entry of packages) {
      entries.push(await licence(`licences/${entry.name}`, join(root, 'usr/share/doc', entry.name, 'copyright')));
      for (const [path, origin] of Object.entries(entry.files)) {
        entries.push({ path, mode: path.includes('.so') ? 0o644 : 0o755, content: await readFile(join(scratch, entry.name, origin)) });
      }
    }
    const common = join(root, 'usr/share/common-licenses');
    for (const text of await readdir(common)) entries.push(await licence(`licences/common-licenses/${text}`, join(common, text)));
    await replace(bundle, await packed(entries));
    await replace(stamp, digest);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** The notice with the list of these packages and their sources. */
export function withSources(notice, packages) {
  const rows = packages.map(({ name, version, source, sourceVersion }) => `| ${name} ${version} | ${source} ${sourceVersion} |`);
  const table = ['| package | its source package |', '|---|---|', ...rows].join('\n');
  return notice.replace(/\| package \|[\s\S]*?\|\n(?!\|)/, () => `${table}\n`);
}

async function licence(path, origin) {
  return { path, mode: 0o644, content: await readFile(await realpath(origin)) };
}

async function packed(entries) {
  entries.sort((a, b) => (a.path < b.path ? -1 : 1));
  const files = entries.map(({ path, mode, content }) => ({ path, mode, sizeBytes: content.length, sha256: createHash('sha256').update(content).digest('hex') }));
  const header = Buffer.from(JSON.stringify({ files }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const contents = Buffer.concat(entries.map(({ content }) => content));
  const params = { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: contents.length };
  return Buffer.concat([length, header, await compress(contents, { params })]);
}

async function replace(path, content) {
  const partial = `${path}.${process.pid}.partial`;
  await writeFile(partial, content);
  await rename(partial, path);
}

/** `node assets/build/criu.mjs BUNDLE [PINS]` */
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , bundle, pins] = process.argv;
  await mkdir(dirname(bundle), { recursive: true });
  await buildCriuBundle(bundle, pins);
}
