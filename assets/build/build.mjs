/**
 * `npm run build`: dist/zap.mjs (the command), dist/zap-helper (the helper as one executable, with its sha256), dist/environments.json, dist/app (the
 * desktop app), and the demo and the benchmark that stand beside them.
 *
 * `npm run build -- --arch arm64` (or `all`) makes the helper for hosts with that processor too.
 *
 * Everything is written beside its place and renamed into it, so that a program which runs from dist/ meanwhile never sees half a file.
 */
import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { buildApp } from './app.mjs';
import { buildHelper } from './helper.mjs';

const top = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const dist = join(top, 'dist');
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

const { values: options } = parseArgs({ options: { arch: { type: 'string', default: process.arch } } });
const known = ['x64', 'arm64'];
/** The helper of this machine's own processor is always made. */
const archs = [...new Set([process.arch, ...(options.arch === 'all' ? known : options.arch.split(','))])];
for (const arch of archs.filter((name) => !known.includes(name))) throw new Error(`There is no helper for "${arch}": --arch takes ${known.join(', ')} or all.`);

await mkdir(dist, { recursive: true });
const scratch = await mkdtemp(join(dist, '.build-'));
try {
  // Each part stands for itself: a fault in one leaves the others usable.
  const results = await Promise.allSettled([buildCommand(), buildScripts(), buildEnvironments(), ...archs.map((arch) => buildHelper({ top, dist, scratch, arch })), buildApp({ top, dist, scratch, external: programOptions.external })]);
  for (const { reason } of results.filter(({ status }) => status === 'rejected')) {
    console.error(reason instanceof Error ? reason.message : reason);
    process.exitCode = 1;
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}

/** demo.mjs, bench-move.mjs and fault.mjs. */
async function buildScripts() {
  const outdir = join(scratch, 'scripts');
  // Playwright is large, and finds files of its own beside itself.
  await build({ ...programOptions, external: [...programOptions.external, 'playwright-core'], entryPoints: { demo: 'test/demo/demo.ts', 'bench-move': 'test/bench/move.ts', fault: 'test/fault/main.ts' }, outdir });
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
