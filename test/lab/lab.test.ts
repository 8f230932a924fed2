import { existsSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readlink, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../helper/system/spawn';
import { labDown, labStatus, labUp, type Lab } from './index';

const isRoot = process.getuid?.() === 0;
if (!isRoot && process.env.CI) throw new Error('The lab tests need root, and CI must not skip them.');
if (!isRoot) console.warn('SKIPPED: the lab tests need root. Nothing about the lab was tested.');

const buildTreeWithinMs = 600_000;

describe.skipIf(!isRoot)('lab', { timeout: 30_000 }, () => {
  let zapHome: string;
  let lab: Lab;

  beforeAll(async () => {
    zapHome = await mkdtemp(join(tmpdir(), 'zap-lab-test-'));
    await writeFile(join(zapHome, 'hosts.json'), JSON.stringify({ version: 1, hosts: { mine: { address: 'mine.example', port: 22, user: 'me' } } }));
    await writeFile(join(zapHome, 'known_hosts'), 'mine.example ssh-ed25519 AAAA\n');
    lab = await labUp({ zapHome, hosts: 2, onLine: console.log });
  }, buildTreeWithinMs);

  afterAll(async () => {
    try {
      expect(await labDown({ zapHome })).toEqual([]);
      expect(await lab.leftovers()).toEqual([]);
      expect(JSON.parse(await readFile(join(zapHome, 'hosts.json'), 'utf8')).hosts).toEqual({ mine: { address: 'mine.example', port: 22, user: 'me' } });
      expect(await readFile(join(zapHome, 'known_hosts'), 'utf8')).toBe('mine.example ssh-ed25519 AAAA\n');
      expect(existsSync(join(zapHome, 'lab'))).toBe(false);
      expect(await labDown({ zapHome })).toEqual([]); // harmless when nothing is up
    } finally {
      await rm(zapHome, { recursive: true, force: true });
    }
  }, 30_000);

  const output = async (host: string, ...argv: string[]) => (await lab.exec(host, argv)).stdout.trim();
  const ping = async (from: string, to: string, ...options: string[]) => await output(from, 'ping', '-n', '-c1', '-W1', ...options, to);
  const bootId = (host: string) => output(host, 'cat', '/proc/sys/kernel/random/boot_id');

  async function ssh(host: string, ...command: string[]): Promise<string> {
    const inventory = JSON.parse(await readFile(join(zapHome, 'hosts.json'), 'utf8')).hosts[host];
    const options = { StrictHostKeyChecking: 'yes', UserKnownHostsFile: join(zapHome, 'known_hosts'), BatchMode: 'yes', ConnectTimeout: '5' };
    const flags = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
    const { stdout } = await run('ssh', ['-F', 'none', '-i', inventory.identityFile, '-p', String(inventory.port), ...flags, `${inventory.user}@${inventory.address}`, ...command]);
    return stdout.trim();
  }

  test('up again changes nothing: the same processes at the same addresses', async () => {
    const before = await labStatus({ zapHome });
    expect(before.hosts.map(({ name, isUp }) => [name, isUp])).toEqual([
      ['alpha', true],
      ['beta', true],
    ]);
    await labUp({ zapHome, hosts: 1 });
    expect(await labStatus({ zapHome })).toEqual(before);
  });

  test('the ssh client logs in with the written key and known_hosts, and becomes root', async () => {
    expect(await ssh('alpha', 'hostname; whoami')).toBe('alpha\nzap');
    expect(await ssh('beta', 'sudo -n whoami')).toBe('root');
    for (const file of ['hosts.json', 'known_hosts', 'lab/id_ed25519']) expect(statSync(join(zapHome, file)).mode & 0o777).toBe(0o600);
  });

  test('hosts have no CRIU of their own', async () => {
    await expect(lab.exec('alpha', ['sh', '-c', 'command -v criu'])).rejects.toThrow();
  });

  test('hosts reach each other by name, and are different machines', async () => {
    await ping('alpha', 'beta');
    await ping('beta', 'alpha');
    expect(await bootId('alpha')).not.toBe(await bootId('beta'));
    expect(await bootId('alpha')).not.toBe((await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim());
    for (const device of ['/dev/net/tun', '/dev/fuse']) expect(await output('alpha', 'sh', '-c', `test -e ${device} || echo absent`)).toBe('absent');
  });

  test('each has namespaces and a key of its own, over the same Debian', async () => {
    for (const kind of ['mnt', 'pid', 'net', 'uts', 'ipc', 'cgroup']) {
      const three = [await output('alpha', 'readlink', `/proc/1/ns/${kind}`), await output('beta', 'readlink', `/proc/1/ns/${kind}`), await readlink(`/proc/self/ns/${kind}`)];
      expect(new Set(three).size, `${kind}: ${three.join(' ')}`).toBe(3);
    }
    const keys = await Promise.all(['alpha', 'beta'].map((host) => output(host, 'cat', '/etc/ssh/ssh_host_ed25519_key.pub')));
    expect(keys[0]).not.toBe(keys[1]!.replace(/beta$/, 'alpha'));
    for (const host of ['alpha', 'beta']) expect(await output(host, 'sh', '-c', '. /etc/os-release; echo $ID $VERSION_CODENAME; ls /etc/ssh/ssh_host_*_key')).toBe('debian trixie\n/etc/ssh/ssh_host_ed25519_key');
  });

  test('a host can be a POD’s: user namespaces mount proc, and its disk is no overlay', async () => {
    expect(await output('alpha', 'unshare', '--user', '--map-root-user', '--mount', '--pid', '--fork', '--mount-proc', 'sh', '-c', 'echo $$')).toBe('1');
    expect(await output('alpha', 'findmnt', '-n', '-o', 'FSTYPE', '-T', '/var/lib/zap')).not.toBe('overlay');
  });

  test('its processes are in its own control groups', async () => {
    const pid = lab.pidOf('alpha');
    const groups = (await readFile(`/proc/${pid}/cgroup`, 'utf8')).trim().split('\n');
    const own = groups.filter((line) => line.includes(`/zap-lab-${lab.place.labId}/alpha`));
    expect(own.length).toBeGreaterThan(0);
    expect(await output('alpha', 'sh', '-c', 'grep ^0:: /proc/self/cgroup; ls -d /sys/fs/cgroup/init')).toBe('0::/init\n/sys/fs/cgroup/init');
  });

  test('the first process reaps orphans', async () => {
    const orphan = await output('alpha', 'sh', '-c', 'setsid sh -c "sleep 0.2 & echo \\$!"');
    await delay(400);
    expect(await output('alpha', 'sh', '-c', `test -e /proc/${orphan} || echo reaped`)).toBe('reaped');
  });

  test('exec gives input and reports failure with the host’s words', async () => {
    expect((await lab.exec('beta', ['cat'], { input: 'to and fro' })).stdout).toBe('to and fro');
    await expect(lab.exec('beta', ['ls', '/nowhere'])).rejects.toMatchObject({ code: 'system/command-failed', message: expect.stringContaining('failed on beta') });
    await expect(lab.exec('omega', ['true'])).rejects.toMatchObject({ code: 'lab/no-such-host' });
  });

  test.each(['in', 'out', 'both'] as const)('a link cut (%s) is silent and can be joined', async (direction) => {
    try {
      await lab.cutLink('alpha', direction);
      await expect(ping('alpha', 'beta')).rejects.toMatchObject({ code: 'system/command-failed' });
    } finally {
      await lab.joinLink('alpha');
    }
    await ping('alpha', 'beta', '-w5');
  });

  const roundTripsMs = async (count: number) =>
    [...(await output('alpha', 'ping', '-n', `-c${count}`, '-i0.01', 'beta')).matchAll(/time=([\d.]+)/g)].map((match) => Number(match[1]));

  test('a delay shows in every round trip, and goes', async () => {
    await lab.setLink('beta', { delayMs: 25 });
    try {
      await ping('alpha', 'beta', '-w5');
      const delayed = await roundTripsMs(10);
      expect(Math.min(...delayed)).toBeGreaterThan(49);
      expect(delayed.sort((a, b) => a - b)[4]).toBeLessThan(80);
    } finally {
      await lab.clearLink('beta');
    }
    expect(Math.min(...(await roundTripsMs(5)))).toBeLessThan(10);
  });

  test('a lossy link loses some', async () => {
    await lab.setLink('beta', { lossPercent: 30 });
    try {
      await ping('alpha', 'beta', '-w5');
      const arrived = (await roundTripsMs(100)).length; // expected 49
      expect(arrived).toBeGreaterThan(15);
      expect(arrived).toBeLessThan(85);
    } finally {
      await lab.clearLink('beta');
    }
  });

  test('a slow link takes its time', async () => {
    await lab.setLink('beta', { rateMbit: 40 });
    try {
      const startedAt = Date.now();
      await ssh('beta', 'head -c 2000000 /dev/zero'); // 400 ms at 40 Mbit/s
      expect(Date.now() - startedAt).toBeGreaterThan(350);
    } finally {
      await lab.clearLink('beta');
    }
  });

  test('a killed host takes everything along and comes back with its disk, keys and a new boot id', async () => {
    const [formerBoot, formerPid] = [await bootId('beta'), lab.pidOf('beta')];
    await lab.exec('beta', ['sh', '-c', 'echo kept >/var/lib/zap/file; echo lost >/run/file; unshare -fp --kill-child setsid sleep 1000 >/dev/null 2>&1 &']);
    await lab.killHost('beta');
    expect(existsSync(`/proc/${formerPid}/root/etc`)).toBe(false);
    expect((await labStatus({ zapHome })).hosts.find(({ name }) => name === 'beta')).toMatchObject({ isUp: false, pid: undefined });
    expect((await lab.leftovers()).filter((line) => line.includes('beta') || line === `link ${lab.host('beta').link}`)).toEqual([]);
    await expect(lab.exec('beta', ['true'])).rejects.toMatchObject({ code: 'lab/host-down' });

    await lab.startHost('beta');
    expect(await output('beta', 'sh', '-c', 'cat /var/lib/zap/file; test -e /run/file || echo gone')).toBe('kept\ngone');
    expect(await bootId('beta')).not.toBe(formerBoot);
    expect(await ssh('beta', 'hostname')).toBe('beta');
  });

  test('up starts dead hosts and adds new ones', async () => {
    await lab.killHost('alpha');
    lab = await labUp({ zapHome, hosts: 3 });
    expect((await labStatus({ zapHome })).hosts.map(({ isUp }) => isUp)).toEqual([true, true, true]);
    await ping('alpha', 'gamma');
    expect(await ssh('gamma', 'hostname')).toBe('gamma');
  });

  test('a disk runs full and is emptied again', async () => {
    const writeSixMegabytes = ['dd', 'if=/dev/zero', 'of=/var/lib/zap/big', 'bs=1M', 'count=6'];
    const disk = join(lab.rootOf('gamma'), 'var/lib/zap');
    await lab.fillDisk('gamma', 5_000_000);
    try {
      const { bavail, bsize } = await statfs(disk);
      expect(bavail * bsize).toBeLessThanOrEqual(5_000_000);
      expect(bavail * bsize).toBeGreaterThan(3_000_000);
      await expect(lab.exec('gamma', writeSixMegabytes)).rejects.toMatchObject({ evidence: expect.arrayContaining([expect.stringContaining('No space left')]) });
    } finally {
      await lab.emptyDisk('gamma');
      await rm(join(disk, 'big'), { force: true });
    }
    await lab.exec('gamma', writeSixMegabytes);
  });

  test.each([3600, -86_400])('a clock skewed by %i s lies to new programs, which still work', async (seconds) => {
    await lab.skewClock('gamma', seconds);
    try {
      expect(Math.abs(Number(await output('gamma', 'date', '+%s')) - Date.now() / 1000 - seconds)).toBeLessThan(5);
      expect(Math.abs(Number(await ssh('gamma', 'sudo date +%s')) - Date.now() / 1000 - seconds)).toBeLessThan(5);
      await lab.exec('gamma', ['runc', '--version']);
    } finally {
      await lab.skewClock('gamma', 0);
    }
    expect(Math.abs(Number(await output('gamma', 'date', '+%s')) - Date.now() / 1000)).toBeLessThan(5);
  });

  test('two labs live side by side', async () => {
    const otherHome = join(zapHome, 'other');
    await mkdir(otherHome);
    try {
      const other = await labUp({ zapHome: otherHome, hosts: 1 });
      expect(other.hosts[0]!.address).not.toBe(lab.hosts[0]!.address);
      expect(await other.exec('alpha', ['hostname'])).toMatchObject({ stdout: 'alpha\n' });
    } finally {
      expect(await labDown({ zapHome: otherHome })).toEqual([]);
    }
    await ping('alpha', 'beta');
  });
});
