/**
 * What the doctor asks of a kernel, asked where it is missing: in namespaces that have less than the machine, each with the probes in a process of their own.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stateRoot } from '../../../helper/pod/paths';

const top = fileURLToPath(new URL('../../..', import.meta.url));

describe.skipIf(process.getuid!() !== 0)('probes of the kernel', () => {
  let directory: string;
  let runner: string;
  let here: string[];

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'zap-probes-'));
    runner = join(directory, 'probes.cjs');
    const contents = `import { kernelProbes } from './doctor-kernel';
      const answers = {};
      for (const { id, isThere } of kernelProbes) answers[id] = isThere().catch(() => false);
      Promise.all(Object.entries(answers).map(async ([id, answer]) => [id, await answer])).then((all) => console.log(JSON.stringify(Object.fromEntries(all))));`;
    buildSync({ stdin: { contents, resolveDir: join(top, 'helper/preflight'), loader: 'js' }, bundle: true, platform: 'node', format: 'cjs', packages: 'external', outfile: runner, logLevel: 'silent' });
    here = there([], ':').sort();
    expect(here).toEqual(expect.arrayContaining(['bridge', 'cgroup2', 'idmapped-mounts', 'nftables', 'nftables-bridge', 'overlay', 'pagemap-scan', 'pid-namespaces', 'time-namespaces', 'user-namespaces', 'veth']));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  /** Ids of what is there, after `script` has taken something away in namespaces that end with it. */
  function there(namespaces: string[], script: string): string[] {
    const command = ['unshare', ...namespaces, 'sh', '-ec', `${script}\nexec "$@"`, 'sh', process.execPath, runner];
    const out = execFileSync(command[0]!, command.slice(1), { env: { PATH: process.env.PATH, STATE: stateRoot, NODE_PATH: join(top, 'node_modules') }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    return Object.entries(JSON.parse(out) as Record<string, boolean>).flatMap(([id, is]) => (is ? [id] : []));
  }

  /** What is there on this machine and not behind the script. */
  const missing = (namespaces: string[], script: string): string[] => {
    const left = there(namespaces, script);
    return here.filter((id) => !left.includes(id));
  };

  test('where no namespaces may be made, all are missing that need one', () => {
    const script = 'for kind in user pid time net mnt; do echo 0 >/proc/sys/user/max_${kind}_namespaces; done';
    expect(missing(['--user', '--map-root-user'], script)).toEqual(expect.arrayContaining(['user-namespaces', 'pid-namespaces', 'time-namespaces', 'idmapped-mounts', 'overlay', 'veth', 'bridge', 'nftables', 'nftables-bridge']));
  });

  test('where PODs\' files would lie on an overlay, without control groups and without devices for tunnels, these are missing and no others', () => {
    const script = `mkdir -p "$STATE"
      mount -t tmpfs zap-probes /mnt
      mkdir /mnt/lower /mnt/upper /mnt/work
      mount -t overlay zap-probes -o lowerdir=/mnt/lower,upperdir=/mnt/upper,workdir=/mnt/work "$STATE"
      umount --recursive --lazy /sys/fs/cgroup
      mkdir -p /dev/net
      mount -t tmpfs zap-probes /dev/net`;
    expect(missing(['--mount'], script)).toEqual(['cgroup-controllers', 'cgroup2', 'idmapped-mounts', 'overlay', 'tun'].filter((id) => here.includes(id)));
  });

  test('where the kernel does not list pages, that alone is missing', () => {
    expect(missing(['--mount'], 'mount --bind /dev/null /proc/$$/pagemap')).toEqual(['pagemap-scan']);
  });
});
