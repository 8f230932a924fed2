/** An RPM package of the unpacked app, as electron-builder.yml describes it, made by the rpmbuild of this machine. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { withTree } from './tree.mjs';

const run = promisify(execFile);
const architectures = { x64: 'x86_64', arm64: 'aarch64' };

/** Path of the package. `suffix` stands before `.rpm`. */
export async function makeRpm(top, unpacked, { suffix = '' } = {}) {
  await ensureRpmbuild();
  return withTree(top, unpacked, async ({ tree, description: { productName, linux, rpm, directories }, version, license, filled }) => {
    const architecture = architectures[process.arch];
    const work = await mkdtemp(join(tmpdir(), 'zap-rpm-'));
    try {
      const [afterInstall, afterRemove] = await Promise.all([filled(rpm.afterInstall), filled(rpm.afterRemove)]);
      // Nothing is compiled, stripped or looked through: the files go in as they are. rpmbuild empties its own root first, so they are linked from elsewhere.
      const spec = `%global __os_install_post %{nil}
%global debug_package %{nil}
%global _build_id_links none
%global _binary_payload w1.gzdio
Name: ${rpm.packageName}
Version: ${version}
Release: 1
Summary: ${linux.synopsis}
License: ${license}
Vendor: ${linux.vendor}
AutoReqProv: no
Requires: ${rpm.depends.join(', ')}
%description
${linux.description}
%install
cp -al '${tree}'/. '%{buildroot}'
%files
%defattr(-,root,root)
"/opt/${productName}"
"/usr/share/applications/${linux.executableName}.desktop"
/usr/share/icons/hicolor/*/apps/${linux.executableName}.png
%post
${afterInstall}
%postun
${afterRemove}
`;
      await writeFile(join(work, 'zap.spec'), spec);
      await run('rpmbuild', ['-bb', '--quiet', '--target', architecture, '--define', `_topdir ${work}`, join(work, 'zap.spec')], { maxBuffer: 16 << 20 });
      const made = join(work, 'RPMS', architecture);
      const target = join(top, directories.output, `${rpm.packageName}-${version}.${architecture}${suffix}.rpm`);
      await run('cp', [join(made, (await readdir(made))[0]), `${target}.partial`]);
      await rename(`${target}.partial`, target);
      return target;
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  });
}

/** Root has it installed on Debian; anybody else is told. */
async function ensureRpmbuild() {
  if (await isThere()) return;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) throw new Error('An .rpm needs rpmbuild. On Debian: apt-get install rpm');
  await run('apt-get', ['install', '-y', '--no-install-recommends', 'rpm'], { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, maxBuffer: 64 << 20 });
}

function isThere() {
  return run('rpmbuild', ['--version']).then(() => true, () => false);
}
