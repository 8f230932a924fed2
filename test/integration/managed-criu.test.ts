/** Hosts without a CRIU of their own, with one that does not work, with one that does; and one whose unpacked copy is damaged. */
import { closeSync, mkdirSync, openSync, readFileSync, readSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureManaged } from '../../helper/criu/managed';
import { builtBundle } from './criu-bundle';
import { describeInLab, type HostName, type Suite } from './support/suite';
import { requireAlive } from './support/witness';

interface Facts {
  criu: { path: string; version: string } | null;
  findings: { id: string; severity: string; message: string }[];
}

const managedPath = /^\/var\/lib\/zap\/criu\/[0-9a-f]{16}\/criu$/;
const top = join(import.meta.dirname, '../..');

describeInLab('a CRIU that is carried along', (suite) => {
  const facts = async (host: HostName) => (await suite.zap.json<{ facts: Facts }>('host', 'show', host)).facts;
  const choice = async (host: HostName) => (await facts(host)).findings.filter(({ id }) => id === 'criu-choice').map(({ message }) => message);

  test('is unpacked on a host that has none, tested once, and used', async () => {
    await expect(suite.lab.exec('alpha', ['sh', '-c', 'command -v criu'])).rejects.toThrow();
    const { criu, findings } = await facts('alpha');
    expect(criu).toEqual({ path: expect.stringMatching(managedPath) as string, version: expect.stringMatching(/^4\.[2-9]|^[5-9]/) as string });
    expect(findings.filter(({ id }) => id.startsWith('criu'))).toEqual([]);
    const directory = suite.alpha.path(criu!.path, '..');
    for (const path of ['.', ...readdirSync(directory, { recursive: true, encoding: 'utf8' })]) {
      expect(statSync(join(directory, path))).toMatchObject({ uid: 0, gid: 0 });
      expect(statSync(join(directory, path)).mode & 0o022, path).toBe(0);
      expect(path).not.toMatch(/\.so$/); // CRIU would load it as a plugin
    }
    const record = suite.alpha.path('run/zap/criu.json');
    const { ino } = statSync(record);
    await facts('alpha');
    expect(statSync(record).ino).toBe(ino);
  });

  test('brings its licences and says where its source is', async () => {
    const { criu } = await facts('alpha');
    const directory = suite.alpha.path(criu!.path, '..');
    expect(readFileSync(join(directory, 'NOTICE.md'), 'utf8')).toMatch(/^\| criu \S+ \| criu \S+ \|$/m);
    expect(readFileSync(join(directory, 'licences/common-licenses/GPL-2'), 'utf8')).toContain('GNU GENERAL PUBLIC LICENSE');
    for (const file of readdirSync(join(directory, 'lib'))) expect(statSync(join(directory, 'lib', file)).size).toBeGreaterThan(0);
  });

  describe('beside Debian 12’s, which cannot work on new kernels', () => {
    beforeAll(() => giveBrokenCriu(suite, 'beta'), 120_000);
    afterAll(() => rmSync(suite.beta.path('usr/sbin/criu'), { force: true }));

    test('it is chosen, and the reason is told', async () => {
      expect((await facts('beta')).criu!.path).toMatch(managedPath);
      expect(await choice('beta')).toEqual([expect.stringMatching(/^The host's own CRIU \(\/usr\/sbin\/criu\) is not used: /)]);
      expect((await suite.zap.run(['host', 'show', 'beta'])).stdout.toString()).toContain('/usr/sbin/criu');
      expect(await suite.zap.json('host', 'doctor', 'beta')).toMatchObject({ isFit: true });
    });

    test('PODs move there and back', async () => {
      const pod = await suite.createAlive('rover');
      try {
        await suite.zap.json('pod', 'move', 'rover', 'beta');
        await requireAlive(pod.address, pod.born);
        await suite.zap.json('pod', 'move', 'rover', 'alpha');
        await requireAlive(pod.address, pod.born);
      } finally {
        await suite.delete('rover');
      }
    });
  });

  describe('beside one that is new enough', () => {
    afterAll(() => rmSync(suite.alpha.path('usr/sbin/criu'), { force: true }));

    test('steps back when that one passes the self-test', async () => {
      giveCriu(suite, 'alpha', (await facts('alpha')).criu!.path);
      expect((await facts('alpha')).criu!.path).toBe('/usr/sbin/criu');
      expect(await choice('alpha')).toEqual([]);
      rmSync(suite.alpha.path('usr/sbin/criu'));
      expect((await facts('alpha')).criu!.path).toMatch(managedPath);
    });

    test('is used when that one may not do its work here', async () => {
      giveCriu(suite, 'alpha', `setpriv --bounding-set=-all ${(await facts('alpha')).criu!.path}`);
      expect((await facts('alpha')).criu!.path).toMatch(managedPath);
      expect(await choice('alpha')).toEqual([expect.stringContaining('/usr/sbin/criu')]);
      rmSync(suite.alpha.path('usr/sbin/criu'));
      expect(await choice('alpha')).toEqual([]);
    });

    test('is used when that one never answers', async () => {
      giveCriu(suite, 'alpha', 'sleep infinity #');
      expect((await facts('alpha')).criu!.path).toMatch(managedPath);
      expect(await choice('alpha')).toEqual([expect.stringContaining('/usr/sbin/criu')]);
    });
  });

  test('one flipped byte is noticed, named and put right, whatever the file’s date says', async () => {
    const library = suite.alpha.path((await facts('alpha')).criu!.path, '../lib/libprotobuf-c.so.1');
    const whole = readFileSync(library);
    flipByte(library);
    expect(readFileSync(library).equals(whole)).toBe(false);
    expect(await choice('alpha')).toEqual([expect.stringMatching(/damaged on this host \(lib\/libprotobuf-c\.so\.1\) and has been replaced/)]);
    expect(readFileSync(library).equals(whole)).toBe(true);
    expect((await facts('alpha')).criu!.path).toMatch(managedPath);
  });

  test('damage that cannot be put right is refused by name, and so is what needs a CRIU; PODs run on', async () => {
    const pod = await suite.createAlive('stuck');
    const { path } = (await facts('alpha')).criu!;
    flipByte(suite.alpha.path(path, '../lib/libnet.so.9'));
    await suite.lab.exec('alpha', ['mount', '--bind', '/var/lib/zap/criu', '/var/lib/zap/criu']);
    try {
      await suite.lab.exec('alpha', ['mount', '-o', 'remount,bind,ro', '/var/lib/zap/criu']);
      const { criu, findings } = await facts('alpha');
      expect(criu).toBeNull();
      expect(findings).toContainEqual(expect.objectContaining({ id: 'criu-unusable', severity: 'blocker', message: expect.stringContaining('lib/libnet.so.9') as string }));
      expect(await suite.zap.failure('pod', 'suspend', 'stuck')).toMatchObject({ code: expect.stringMatching(/^criu\//) as string, exitCode: 7, message: expect.stringMatching(/"stuck" runs on alpha\.$/) as string });
      expect(await suite.zap.failure('pod', 'move', 'stuck', 'beta')).toMatchObject({ code: 'preflight/criu-unusable', exitCode: 6, message: expect.stringContaining('"stuck" cannot go from alpha to beta') as string });
      await requireAlive(pod.address, pod.born);
    } finally {
      await suite.lab.exec('alpha', ['umount', '/var/lib/zap/criu']);
    }
    expect((await facts('alpha')).criu).toMatchObject({ path });
    await suite.zap.json('pod', 'move', 'stuck', 'beta');
    await requireAlive(pod.address, pod.born);
    await suite.delete('stuck');
  });
});

/** The real one, with its own libraries, where the host's package would put it. */
async function giveBrokenCriu(suite: Suite, host: HostName): Promise<void> {
  const bundle = await builtBundle(join(top, 'node_modules/.zap-criu-bookworm.bundle'), join(import.meta.dirname, 'managed-criu-bookworm.json'));
  const place = '/opt/criu-3.17';
  const { binary } = await ensureManaged(bundle, suite.view(host).path(place));
  giveCriu(suite, host, join(place, binary.split('/').at(-2)!, 'criu'));
}

function giveCriu(suite: Suite, host: HostName, command: string): void {
  mkdirSync(suite.view(host).path('usr/sbin'), { recursive: true });
  writeFileSync(suite.view(host).path('usr/sbin/criu'), `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o755 });
}

function flipByte(path: string): void {
  const { atime, mtime, size } = statSync(path);
  const fd = openSync(path, 'r+');
  const byte = Buffer.alloc(1);
  readSync(fd, byte, 0, 1, size >> 1);
  byte[0]! ^= 1;
  writeSync(fd, byte, 0, 1, size >> 1);
  closeSync(fd);
  utimesSync(path, atime, mtime);
}
