/** What a lab stands on: the machine's own programs, and the tree of its hosts. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { describeAsRoot } from '../integration/support/as-root';
import { ensureBuilt } from '../integration/support/build';
import { program } from '../integration/support/zap';
import { ensureTree } from './tree';

describeAsRoot('before a lab', () => {
  let directory: string;
  beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), 'zap-lab-prerequisites-'))));
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(directory, { recursive: true, force: true });
  });

  test('who is not root is told the exact command that installs what is missing', async () => {
    await ensureBuilt();
    // Nobody of this machine, to whom one program is not there.
    const script = 'mount --bind /dev/null "$(command -v perl)" && exec unshare --user "$@"';
    const argv = ['--mount', 'sh', '-c', script, 'sh', process.execPath, program, 'lab', 'up', '--json'];
    const { status, stdout } = await new Promise<{ status: number | null; stdout: string }>((resolve) => {
      const child = execFile('unshare', argv, { env: { ...process.env, ZAP_HOME: directory } }, (_error, out) => resolve({ status: child.exitCode, stdout: out }));
    });
    expect(status).toBe(11);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'lab/needs-root', hint: expect.stringMatching(/sudo apt-get install -y --no-install-recommends (?:\S+ )*perl$/) } });
    expect(await readdir(directory)).toEqual([]);
  });

  test('the tree of the hosts is built once, and again when its recipe changes; one that fails leaves nothing', async () => {
    vi.stubEnv('ZAP_CACHE_DIR', directory);
    vi.stubEnv('ZAP_DEBIAN_MIRROR', 'https://mirror.example');
    const build = (script: string, ...packages: string[]): Promise<string> => ensureTree(() => {}, { script, packages });
    const making = 'TARGET=$1; shift; mkdir -p "$TARGET/etc"; echo "$@ $RANDOM$RANDOM" >"$TARGET/etc/made"';
    await mkdir(join(directory, 'lab/0123.building-7'), { recursive: true }); // of a builder that was killed
    const first = await build(making, 'tini');
    const content = readFileSync(join(first, 'etc/made'), 'utf8');
    expect(content).toMatch(/^https:\/\/mirror\.example tini \d+$/m);
    expect(await build(making, 'tini')).toBe(first);
    expect(readFileSync(join(first, 'etc/made'), 'utf8')).toBe(content);

    const others = [await build(making, 'tini', 'curl'), await build(`${making}; echo more >"$TARGET/etc/more"`, 'tini')];
    expect(new Set([first, ...others]).size).toBe(3);
    expect(readFileSync(join(others[0]!, 'etc/made'), 'utf8')).toContain(' tini curl ');
    expect(existsSync(join(others[1]!, 'etc/more'))).toBe(true);

    await expect(build('mkdir "$1"; echo "no such package" >&2; exit 3', 'tini')).rejects.toMatchObject({ code: 'lab/tree-failed', evidence: expect.arrayContaining(['no such package']) });
    expect((await readdir(join(directory, 'lab'))).filter((name) => name !== 'build.lock').sort()).toEqual([first, ...others].map((tree) => tree.split('/').at(-1)!).sort());
  });
});
