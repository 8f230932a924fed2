/**
 * dist/app: the desktop app as Electron takes it. Main process and services are modules; the preload is one script, because a sandboxed one has no others.
 *
 * The user interface is bundled by vite, which knows style sheets, fonts and JSX; the rest by esbuild, like the command.
 */
import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build as bundle } from 'esbuild';
import { build as buildPage } from 'vite';

/** Electron 33: the oldest that the app runs on. */
const target = { node: 'node20.18', page: 'chrome130' };

export async function buildApp({ top, dist, scratch, external }) {
  const made = join(scratch, 'app');
  await mkdir(made, { recursive: true });
  const shared = { absWorkingDir: top, bundle: true, platform: 'node', target: target.node, external: ['electron', ...external], logLevel: 'warning' };
  const banner = { js: "import { createRequire as zapRequire } from 'node:module';\nconst require = zapRequire(import.meta.url), __dirname = import.meta.dirname;" };
  const { name, version } = JSON.parse(await readFile(join(top, 'package.json'), 'utf8'));
  await Promise.all([
    // In chunks: what is loaded on demand only may stand on what an installed app does not have.
    bundle({ ...shared, format: 'esm', splitting: true, chunkNames: 'chunks/[name]-[hash]', outExtension: { '.js': '.mjs' }, banner, entryPoints: { main: 'main/electron/index.ts', services: 'main/electron/services.ts' }, outdir: made }),
    bundle({ ...shared, format: 'cjs', outExtension: { '.js': '.cjs' }, entryPoints: { preload: 'main/electron/preload.ts' }, outdir: made }),
    buildRenderer(top, join(made, 'renderer')),
    copyFile(join(top, 'assets/icons/zap.png'), join(made, 'icon.png')),
    copyFile(join(top, 'assets/icons/zap-64.png'), join(made, 'tray.png')),
    writeFile(join(made, 'package.json'), JSON.stringify({ name, productName: 'Zap', version, type: 'module', main: 'main.mjs', desktopName: 'zap-desktop.desktop', description: 'Moves whole computing sessions between Linux machines while they run', author: 'Zap' })),
  ]);
  // A directory cannot be replaced in one step; between the two there is none, never half of one.
  const old = join(scratch, 'old-app');
  await rename(join(dist, 'app'), old).catch(() => {});
  await rename(made, join(dist, 'app'));
  await rm(old, { recursive: true, force: true });
}

async function buildRenderer(top, outDir) {
  await buildPage({
    configFile: false,
    root: join(top, 'app'),
    base: './',
    logLevel: 'warn',
    define: { 'process.env.NODE_ENV': '"production"' },
    // Nothing as a data: address but images: the content security policy allows no other.
    build: { outDir, emptyOutDir: true, target: target.page, assetsInlineLimit: 0, modulePreload: { polyfill: false }, chunkSizeWarningLimit: 4_000, rolldownOptions: { onwarn: ignoreServerDirectives } },
  });
}

/** "use client" is for frameworks with a server. */
function ignoreServerDirectives(warning, warn) {
  if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') warn(warning);
}
