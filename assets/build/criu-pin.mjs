/**
 * `node assets/build/criu-pin.mjs [SUITE] [FILE]`: pins the CRIU that a Debian suite has now, with everything it loads, in assets/criu/packages.json, and
 * brings the list in NOTICE.md up to date.
 *
 * apt works on directories of its own here; its signatures are checked against Debian's keyring. Which libraries are needed is asked of the loader.
 */
import { mkdir, mkdtemp, readFile, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { debianMirror, fetchPackage, run, unpack } from './criu-packages.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const notice = resolve(here, '../criu/NOTICE.md');
const pinned = resolve(here, '../criu/packages.json');
const [suite = 'forky', output = pinned] = process.argv.slice(2);
const architecture = 'amd64';
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

const scratch = await mkdtemp(join(tmpdir(), 'zap-criu-pin-'));
try {
  const apt = await privateApt();
  const names = await dependencies(apt);
  const packages = await Promise.all([...names, 'base-files'].map((name) => describe(apt, name)));
  packages.sort((a, b) => a.name.localeCompare(b.name, 'en'));
  for (const entry of packages) await unpack(await fetchPackage(entry), join(scratch, 'packages', entry.name));
  const files = await loadedFiles(packages);
  const used = packages.flatMap((entry) => {
    const own = entry.name === 'base-files' ? {} : Object.fromEntries(files.filter(({ owner }) => owner === entry.name).map(({ name, path }) => [name, path]));
    return entry.name === 'base-files' || Object.keys(own).length > 0 ? [{ ...entry, files: own }] : [];
  });
  await writeFile(output, `${JSON.stringify({ suite, architecture, packages: used }, null, 2)}\n`);
  if (resolve(output) === pinned) await updateNotice(used);
  console.log(`${relative(process.cwd(), resolve(output))}: ${used.map(({ name, version }) => `${name} ${version}`).join(', ')}`);
} finally {
  await rm(scratch, { recursive: true, force: true });
}

async function privateApt() {
  const root = join(scratch, 'apt');
  for (const directory of ['state/lists/partial', 'cache/archives/partial']) await mkdir(join(root, directory), { recursive: true });
  await writeFile(join(root, 'sources.list'), `deb [signed-by=${keyring} check-valid-until=no] ${await debianMirror()} ${suite} main\n`);
  const settings = {
    'Dir::Etc::SourceList': join(root, 'sources.list'),
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::State': join(root, 'state'),
    'Dir::State::status': '/dev/null',
    'Dir::Cache': join(root, 'cache'),
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
    'APT::Sandbox::User': '',
    'Acquire::Languages': 'none',
  };
  const options = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  await run('apt-get', [...options, '-q', 'update']);
  return async (...args) => (await run('apt-cache', [...options, ...args], { maxBuffer: 1 << 26 })).stdout;
}

/** What CRIU depends on, directly or not; the libraries among them. */
async function dependencies(apt) {
  const without = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'].map((kind) => `--no-${kind}`);
  const names = (await apt('depends', '--recurse', ...without, 'criu')).split('\n').filter((line) => /^[a-z0-9]/.test(line));
  return [...new Set(names)].filter((name) => name === 'criu' || name.startsWith('lib'));
}

async function describe(apt, name) {
  const text = await apt('show', '--no-all-versions', name);
  const field = (key) => new RegExp(`^${key}: (.*)$`, 'm').exec(text)?.[1];
  const version = field('Version');
  const [, source, sourceVersion = version] = /^(\S+)(?: \((.*)\))?$/.exec(field('Source') ?? name);
  return { name, version, sha256: field('SHA256'), path: field('Filename'), source, sourceVersion };
}

/** The program, its loader and every library that the loader finds for it: name in the bundle, package, path in the package. */
async function loadedFiles(packages) {
  const root = await realpath(join(scratch, 'packages'));
  const all = (await readdir(root, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const program = all.find((path) => path === join(root, 'criu/usr/sbin/criu'));
  const loader = all.find((path) => /^ld-linux.*\.so\.\d+$/.test(basename(path)) && path.includes('/libc6/'));
  const directories = new Set(all.filter((path) => /\.so(\.\d+)*$/.test(path)).map((path) => dirname(path)));
  const { stdout } = await run(loader, ['--inhibit-cache', '--library-path', [...directories].join(':'), '--list', program]);
  const missing = stdout.split('\n').filter((line) => line.includes('not found'));
  if (missing.length > 0) throw new Error(`Libraries that CRIU needs are not among its dependencies (${packages.length} packages): ${missing.join(', ').trim()}`);
  const libraries = [...stdout.matchAll(/^\s*(\S+) => (\S+) \(/gm)].filter(([, name]) => !name.startsWith('/'));
  const found = [['lib/criu', program], ['loader/criu', loader], ...libraries.map(([, name, path]) => [`lib/${name}`, path])];
  return await Promise.all(
    found.map(async ([name, path]) => {
      const [owner, ...rest] = relative(root, await realpath(path)).split('/');
      return { name, owner, path: rest.join('/') };
    }),
  );
}

async function updateNotice(packages) {
  const rows = packages.map(({ name, version, source, sourceVersion }) => `| ${name} ${version} | ${source} ${sourceVersion} |`);
  const table = ['| package | its source package |', '|---|---|', ...rows].join('\n');
  const text = await readFile(notice, 'utf8');
  await writeFile(notice, text.replace(/\| package \|[\s\S]*?\|\n(?!\|)/, () => `${table}\n`));
}
