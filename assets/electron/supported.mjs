/**
 * Whether Electron's makers still mend the version that the app is made with: they do so for their latest three majors.
 *
 * `node assets/electron/supported.mjs` says so, for CI to show; packages for others are refused with one that is older.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const top = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const SUPPORTED_MAJORS = 3;
const TIMEOUT_MS = 20_000;

/** What speaks against `version` when `latest` is the newest; undefined when nothing does. */
export function objectionTo(version, latest) {
  const [own, newest] = [version, latest].map((text) => Number(/^(\d+)\.\d+\.\d+$/.exec(text)?.[1] ?? NaN));
  if (Number.isNaN(own)) return `"${version}" is not a version of Electron that was released.`;
  if (Number.isNaN(newest)) return `"${latest}" is not a version to compare Electron ${version} with.`;
  return newest - own < SUPPORTED_MAJORS ? undefined : `Electron ${version} gets no fixes any more: ${newest} is the newest, and the ${SUPPORTED_MAJORS} latest are supported.`;
}

/** The version that package-lock.json has. */
export function lockedVersion() {
  return JSON.parse(readFileSync(join(top, 'package-lock.json'), 'utf8')).packages['node_modules/electron'].version;
}

/** As the registry says, through npm. */
export async function latestVersion() {
  const { stdout } = await run('npm', ['view', 'electron', 'version'], { timeout: TIMEOUT_MS });
  return stdout.trim();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const latest = await latestVersion().catch(() => undefined);
  if (latest === undefined) console.log(`The registry could not be asked whether Electron ${lockedVersion()} is still supported.`);
  else console.log(objectionTo(lockedVersion(), latest) ?? `Electron ${lockedVersion()} is supported; ${latest} is the newest.`);
}
