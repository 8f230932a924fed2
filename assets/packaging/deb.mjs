/** A Debian package of the unpacked app, as electron-builder.yml describes it. */
import { execFile } from 'node:child_process';
import { chmod, readFile, readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { put, withTree } from './tree.mjs';

const run = promisify(execFile);
const architectures = { x64: 'amd64', arm64: 'arm64' };

/** Path of the package. `suffix` stands before `.deb`. */
export async function makeDeb(top, unpacked, { suffix = '' } = {}) {
  return withTree(top, unpacked, async ({ tree, description: { linux, deb, directories }, version, license, filled }) => {
    const architecture = architectures[process.arch];
    await put(join(tree, 'usr/share/doc', deb.packageName, 'copyright'), await readFile(join(top, 'LICENSE')));
    const control = {
      Package: deb.packageName,
      Version: version,
      License: license,
      Vendor: linux.vendor,
      Architecture: architecture,
      Maintainer: linux.maintainer,
      'Installed-Size': String(Math.ceil((await sizeOf(tree)) / 1024)),
      Depends: deb.depends.join(', '),
      Section: 'admin',
      Priority: 'optional',
      Description: `${linux.synopsis}\n ${linux.description}`,
    };
    await put(join(tree, 'DEBIAN/control'), Object.entries(control).map(([field, value]) => `${field}: ${value}\n`).join(''));
    for (const [script, path] of [['postinst', deb.afterInstall], ['postrm', deb.afterRemove]]) {
      await put(join(tree, 'DEBIAN', script), await filled(path));
      await chmod(join(tree, 'DEBIAN', script), 0o755);
    }
    await chmod(tree, 0o755);
    const target = join(top, directories.output, `${deb.packageName}_${version}_${architecture}${suffix}.deb`);
    // A fast compression: most of it is Chromium, whoever needs it smaller compresses longer.
    await run('dpkg-deb', ['--root-owner-group', '-Zgzip', '-z1', '--build', tree, `${target}.partial`], { maxBuffer: 16 << 20 });
    await rename(`${target}.partial`, target);
    return target;
  });
}

async function sizeOf(directory) {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(entries.filter((entry) => entry.isFile()).map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
