/** The files of an installation, as every kind of package has them: the app in /opt, its launcher and its icons. */
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from 'js-yaml';

/**
 * Lays the unpacked app out in a temporary directory for as long as `act` takes.
 *
 * `act` gets the directory, what electron-builder.yml and package.json say, and `filled`, which reads one of the scripts with its macros replaced.
 */
export async function withTree(top, unpacked, act) {
  const description = load(await readFile(join(top, 'electron-builder.yml'), 'utf8'));
  const { version, license } = JSON.parse(await readFile(join(top, 'package.json'), 'utf8'));
  const { productName, linux, deb } = description;
  const macros = { executable: linux.executableName, sanitizedProductName: productName };
  const filled = async (path) => (await readFile(join(top, path), 'utf8')).replaceAll(/\$\{(\w+)\}/g, (whole, name) => macros[name] ?? whole);

  const tree = await mkdtemp(join(tmpdir(), 'zap-package-tree-'));
  try {
    const app = join(tree, 'opt', productName);
    await mkdir(join(tree, 'opt'), { recursive: true });
    await cp(unpacked, app, { recursive: true });
    await writeFile(join(app, 'resources/apparmor-profile'), await filled(deb.appArmorProfile));
    await put(join(tree, 'usr/share/applications', `${linux.executableName}.desktop`), desktopEntry(productName, linux));
    for (const icon of (await readdir(join(top, linux.icon))).filter((name) => name.endsWith('.png'))) {
      const bytes = await readFile(join(top, linux.icon, icon));
      const size = bytes.readUInt32BE(16); // a PNG's width
      await put(join(tree, `usr/share/icons/hicolor/${size}x${size}/apps/${linux.executableName}.png`), bytes);
    }
    return await act({ tree, description, version, license, filled });
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
}

export async function put(path, content) {
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, content);
}

function desktopEntry(productName, linux) {
  const entry = { Type: 'Application', Name: productName, Comment: linux.synopsis, Exec: `/opt/${productName}/${linux.executableName} %U`, Icon: linux.executableName, Terminal: 'false', Categories: `${linux.category};`, ...linux.desktop.entry };
  return `[Desktop Entry]\n${Object.entries(entry).map(([key, value]) => `${key}=${value}\n`).join('')}`;
}
