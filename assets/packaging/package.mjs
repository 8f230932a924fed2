/**
 * `npm run package`: dist/package/linux-unpacked and a .deb of it, from the Electron that is on this machine and without any download; with `-- --rpm` an .rpm too.
 * `npm run package -- --all`: .deb, AppImage and .rpm by electron-builder's own makers, which it downloads.
 *
 * All take everything from electron-builder.yml. The .deb and the .rpm are made here because electron-builder's makers need a Ruby program of 40 MB for what
 * dpkg-deb and rpmbuild do. An AppImage begins with a program of its own that mounts it: Debian has none, so it needs the download.
 */
import { rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, Platform } from 'electron-builder';
import { resolveElectron } from '../electron/resolve.mjs';
import { latestVersion, objectionTo } from '../electron/supported.mjs';
import { makeDeb } from './deb.mjs';
import { makeRpm } from './rpm.mjs';

const top = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const wantsAll = process.argv.includes('--all');
const wantsRpm = process.argv.includes('--rpm');

const electron = await resolveElectron();
if (wantsAll && electron.origin === 'stand-in') throw new Error('Packages for others are made from Electron itself, which this machine cannot download; without --all one for tests is made.');
if (wantsAll) {
  const objection = objectionTo(electron.version, await latestVersion());
  if (objection !== undefined) throw new Error(objection);
}
// The sample app that comes with Electron: ours is the only one.
const afterPack = ({ appOutDir }) => rm(join(appOutDir, 'resources/default_app.asar'), { force: true });
const config = { afterPack, electronDist: dirname(electron.executable), electronVersion: electron.version };
await build({ projectDir: top, targets: Platform.LINUX.createTarget(wantsAll ? undefined : 'dir'), config, publish: 'never' });
const unpacked = join(top, 'dist/package/linux-unpacked');
console.log(unpacked);
if (!wantsAll) {
  const options = { suffix: electron.origin === 'stand-in' ? '.stand-in' : '' };
  console.log(await makeDeb(top, unpacked, options));
  if (wantsRpm) console.log(await makeRpm(top, unpacked, options));
}
