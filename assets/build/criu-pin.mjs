/**
 * `node assets/build/criu-pin.mjs [SUITE] [FILE] [ARCHITECTURE]`: pins the CRIU that a Debian suite has now, with everything it loads, in
 * assets/criu/packages.json (for arm64: packages-arm64.json), and brings the list in NOTICE.md up to date.
 *
 * apt works on directories of its own here; its signatures are checked against Debian's keyring. Which libraries are needed is read from the files, so
 * that it can be done for another processor.
 */
import { mkdir, mkdtemp, readFile, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { debianMirror, fetchPackage, run, unpack } from './criu-packages.mjs';
import { withSources } from './criu.mjs';
import { readElf } from './elf.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const notice = resolve(here, '../criu/NOTICE.md');
const [suite = 'forky', file, architecture = 'amd64'] = process.argv.slice(2);
const pinned = resolve(here, `../criu/packages${architecture === 'amd64' ? '' : `-${architecture}`}.json`);
const output = file || pinned;
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
  if (resolve(output) === pinned && architecture === 'amd64') await writeFile(notice, withSources(await readFile(notice, 'utf8'), used));
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

/** The program, its loader and every library that the loader would find for it: name in the bundle, package, path in the package. */
async function loadedFiles(packages) {
  const root = await realpath(join(scratch, 'packages'));
  const all = (await readdir(root, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile() || entry.isSymbolicLink()).map((entry) => join(entry.parentPath, entry.name));
  const program = join(root, 'criu/usr/sbin/criu');
  const { interpreter } = readElf(await readFile(program));
  const loader = all.find((path) => basename(path) === basename(interpreter) && path.startsWith(join(root, 'libc6/')));
  const found = new Map([['lib/criu', program], ['loader/criu', loader]]);
  const missing = new Set();
  for (const path of found.values()) { // grows meanwhile
    for (const name of readElf(await readFile(path)).needed) {
      if (name === basename(interpreter) || found.has(`lib/${name}`)) continue;
      const library = all.find((candidate) => basename(candidate) === name && !candidate.includes('/glibc-hwcaps/'));
      if (library) found.set(`lib/${name}`, library);
      else missing.add(name);
    }
  }
  if (missing.size > 0) throw new Error(`Libraries that CRIU needs are not among its dependencies (${packages.length} packages): ${[...missing].join(', ')}`);
  return await Promise.all(
    [...found].map(async ([name, path]) => {
      const [owner, ...rest] = relative(root, await realpath(path)).split('/');
      return { name, owner, path: rest.join('/') };
    }),
  );
}
