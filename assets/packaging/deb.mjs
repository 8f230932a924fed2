/** A Debian package of the unpacked app, as electron-builder.yml describes it. */
import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { load } from 'js-yaml';

const run = promisify(execFile);
const architectures = { x64: 'amd64', arm64: 'arm64' };

/** Path of the package. `suffix` stands before `.deb`. */
export async function makeDeb(top, unpacked, { suffix = '' } = {}) {
  const { productName, linux, deb, directories } = load(await readFile(join(top, 'electron-builder.yml'), 'utf8'));
  const { version, license } = JSON.parse(await readFile(join(top, 'package.json'), 'utf8'));
  const architecture = architectures[process.arch];
  const macros = { executable: linux.executableName, sanitizedProductName: productName };
  const filled = async (path) => (await readFile(join(top, path), 'utf8')).replaceAll(/\$\{(\w+)\}/g, (whole, name) => macros[name] ?? whole);

  const tree = await mkdtemp(join(tmpdir(), 'zap-deb-'));
  try {
    const app = join(tree, 'opt', productName);
    await mkdir(join(tree, 'opt'), { recursive: true });
    await cp(unpacked, app, { recursive: true });
    await writeFile(join(app, 'resources/apparmor-profile'), await filled(deb.appArmorProfile));
    await put(join(tree, 'usr/share/applications', `${linux.executableName}.desktop`), desktopEntry(productName, linux));
    for (const icon of (await readdir(join(top, linux.icon))).filter((name) => name.endsWith('.png'))) {
      const size = pngWidth(await readFile(join(top, linux.icon, icon)));
      await put(join(tree, `usr/share/icons/hicolor/${size}x${size}/apps/${linux.executableName}.png`), await readFile(join(top, linux.icon, icon)));
    }
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
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
}

function desktopEntry(productName, linux) {
  const entry = { Type: 'Application', Name: productName, Comment: linux.synopsis, Exec: `/opt/${productName}/${linux.executableName} %U`, Icon: linux.executableName, Terminal: 'false', Categories: `${linux.category};`, ...linux.desktop.entry };
  return `[Desktop Entry]\n${Object.entries(entry).map(([key, value]) => `${key}=${value}\n`).join('')}`;
}

async function put(path, content) {
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, content);
}

function pngWidth(bytes) {
  return bytes.readUInt32BE(16);
}

async function sizeOf(directory) {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(entries.filter((entry) => entry.isFile()).map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
