/**
 * dist/zap-helper: Node 24, the helper's code, koffi's native part and CRIU in one file, so that a host needs none of them. With its digest beside it.
 *
 * It can be made for another processor than this machine's: zap-helper-arm64 or zap-helper-x64. The runtime's parts for that are fetched from the npm
 * registry, pinned by their digests in runtimes.json, and kept in the cache.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { buildCriuBundle } from './criu.mjs';
import { readElf, stripElf } from './elf.mjs';

const run = promisify(execFile);
const here = dirname(fileURLToPath(import.meta.url));
const cache = join(process.env.ZAP_CACHE_DIR || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'zap'), 'runtimes');
const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

/** The injection takes seconds, so it is skipped when nothing changed. */
export async function buildHelper({ top, dist, scratch, arch }) {
  const isForeign = arch !== process.arch;
  const name = isForeign ? `zap-helper-${arch}` : 'zap-helper';
  const criu = await criuOrComplaint(dist, arch);
  const [node, koffi] = isForeign ? await foreignRuntime(top, arch) : ownRuntime(top, arch);
  const bundle = join(scratch, `${name}.cjs`);
  await build({
    absWorkingDir: top,
    entryPoints: ['helper/entry/index.ts'],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    define: { 'import.meta.url': 'importMetaUrl' },
    banner: { js: "const importMetaUrl=require('node:url').pathToFileURL(process.execPath).href;" },
    logLevel: 'warning',
  });
  const inputs = createHash('sha256');
  for (const path of [bundle, koffi, node, fileURLToPath(import.meta.url), join(here, 'elf.mjs'), ...(criu ? [criu] : [])]) inputs.update(await readFile(path));
  const inputsDigest = inputs.digest('hex');
  const stamp = join(dist, `${name}.inputs`);
  const isUnchanged = existsSync(stamp) && existsSync(join(dist, name)) && existsSync(join(dist, `${name}.sha256`)) && (await readFile(stamp, 'utf8')) === inputsDigest;
  if (isUnchanged) return;

  const blob = join(scratch, `${name}.blob`);
  const config = join(scratch, `${name}.json`);
  // A relative name: it shows in stack traces, and a path of this machine has no place there. Compiled code is of this processor.
  const assets = { 'koffi.node': koffi, ...(criu && { 'criu.bundle': criu }) };
  await writeFile(config, JSON.stringify({ main: basename(bundle), output: blob, disableExperimentalSEAWarning: true, useCodeCache: !isForeign, assets }));
  await run(ownRuntime(top, process.arch)[0], ['--experimental-sea-config', config], { cwd: scratch });
  const executable = join(scratch, name);
  await writeFile(executable, stripElf(await readFile(node)));
  await run(process.execPath, [join(top, 'node_modules/postject/dist/cli.js'), executable, 'NODE_SEA_BLOB', blob, '--sentinel-fuse', fuse]);
  await chmod(executable, 0o755);
  const content = await readFile(executable);
  if (readElf(content)?.arch !== arch) throw new Error(`${name} has become a program for ${readElf(content)?.arch}.`);
  const replace = async (file, text) => {
    await writeFile(join(scratch, file), text);
    await rename(join(scratch, file), join(dist, file));
  };
  await rename(executable, join(dist, name));
  await replace(`${name}.sha256`, createHash('sha256').update(content).digest('hex'));
  await replace(`${name}.inputs`, inputsDigest);
}

/** Node and koffi's native part, as npm has installed them. */
function ownRuntime(top, arch) {
  return [join(top, `node_modules/node-linux-${arch}/bin/node`), join(top, `node_modules/@koromix/koffi-linux-${arch}/linux_${arch}/koffi.node`)];
}

/** The same versions for another processor. */
async function foreignRuntime(top, arch) {
  const pins = JSON.parse(await readFile(join(here, 'runtimes.json'), 'utf8'))[arch];
  if (!pins) throw new Error(`There is no Node for ${arch} among the pinned runtimes.`);
  return await Promise.all(pins.map((pin) => foreignPart(top, pin)));
}

async function foreignPart(top, { name, version, integrity, file, like }) {
  const ours = JSON.parse(await readFile(join(top, 'node_modules', like, 'package.json'), 'utf8')).version;
  if (ours !== version) throw new Error(`${name} is pinned at ${version} and this machine's is ${ours}: pin that version in assets/build/runtimes.json.`);
  const directory = join(cache, createHash('sha256').update(integrity).digest('hex').slice(0, 16));
  const path = join(directory, 'package', file);
  if (existsSync(path)) return path;
  const partial = `${directory}.${process.pid}.partial`;
  await mkdir(partial, { recursive: true });
  try {
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', partial, `${name}@${version}`], { maxBuffer: 1 << 26 });
    const archive = join(partial, JSON.parse(stdout)[0].filename);
    const digest = `sha512-${createHash('sha512').update(await readFile(archive)).digest('base64')}`;
    if (digest !== integrity) throw new Error(`${name} ${version} is not what was pinned.`);
    await run('tar', ['-xzf', archive, '-C', partial, `package/${file}`]);
    await rm(archive);
    await rename(partial, directory).catch(() => {}); // another build was faster
    return path;
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** Without it the helper works on hosts that have a CRIU of their own. */
async function criuOrComplaint(dist, arch) {
  const isForeign = arch !== process.arch;
  const path = join(dist, isForeign ? `criu-${arch}.bundle` : 'criu.bundle');
  try {
    await buildCriuBundle(path, join(here, '../criu', arch === 'x64' ? 'packages.json' : `packages-${arch}.json`));
    return path;
  } catch (error) {
    if (process.env.CI) throw error;
    console.error(`\n*** The helper for ${arch} is built WITHOUT a CRIU: hosts that have no working one of their own cannot be used. ***\n*** ${error.message} ***\n`);
  }
}

/** `node assets/build/helper.mjs DIRECTORY ARCH` */
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , directory, arch] = process.argv;
  const scratch = join(directory, `.build-${process.pid}`);
  await mkdir(scratch, { recursive: true });
  try {
    await buildHelper({ top: join(here, '../..'), dist: directory, scratch, arch });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
