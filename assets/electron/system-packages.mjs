/** The libraries and the X server that Electron needs on Debian: installed where root asks, named where somebody else does. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const systemPackages = ['xvfb', 'xauth', 'libgtk-3-0', 'libnss3', 'libgbm1', 'libasound2', 'libxss1', 'libxtst6', 'libatk-bridge2.0-0', 'libdrm2', 'libxshmfence1', 'libcups2'];

/** Throws with a sentence for people when something is missing and cannot be had. */
export async function ensureSystemPackages(executable, say) {
  const missing = await whatIsMissing(executable);
  if (missing.length === 0) return;
  const command = `apt-get install --no-install-recommends ${systemPackages.join(' ')}`;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) throw new Error(`Electron lacks ${missing.join(', ')}. On Debian: ${command}`);
  say(`Electron lacks ${missing.join(', ')}: installing packages`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = async () => run('apt-get', ['install', '-y', '--no-install-recommends', ...(await namesHere())], { env, maxBuffer: 64 << 20 });
  await install().catch(async () => {
    await run('apt-get', ['update'], { env, maxBuffer: 64 << 20 });
    await install();
  });
  const still = await whatIsMissing(executable);
  if (still.length > 0) throw new Error(`Electron lacks ${still.join(', ')}, and the packages that should hold them are installed.`);
}

export async function whatIsMissing(executable) {
  const { stdout } = await run('ldd', [executable]);
  const libraries = [...stdout.matchAll(/^\s*(\S+) => not found$/gm)].map(([, name]) => name);
  return ['/usr/bin/Xvfb', '/usr/bin/xauth'].every((path) => existsSync(path)) ? libraries : [...libraries, 'Xvfb'];
}

/** Releases of 2024 and later call some of them NAMEt64. */
async function namesHere() {
  return Promise.all(
    systemPackages.map(async (name) => {
      const { stdout } = await run('apt-cache', ['policy', `${name}t64`]).catch(() => ({ stdout: '' }));
      return /Candidate: (?!\(none\))/.test(stdout) ? `${name}t64` : name;
    }),
  );
}
