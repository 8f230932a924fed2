/** What keeps a POD apart: its network, its limits, its sandbox. */
import { readlinkSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Suite } from '../support/suite';
import { until } from '../support/until';
import { isAnswering, stateOf } from '../support/witness';

const idle = ['sleep', 'infinity'];

export function podIsolation(suite: Suite): void {
  const pings = async (name: string, address: string): Promise<boolean> => (await suite.zap.run(['pod', 'exec', name, '--user', 'root', '--', 'ping', '-c', '1', '-W', '3', address])).exitCode === 0;

  describe('networks', () => {
    afterAll(() => suite.delete('lan', 'nat', 'none'), 60_000);

    test('lan: reached from outside and from other hosts, reaches them', async () => {
      const address = suite.newAddress();
      await suite.create('lan', { options: suite.lan(address) });
      await stateOf(address);
      for (const host of ['alpha', 'beta']) await suite.lab.exec(host, ['ping', '-c', '1', '-W', '3', address]);
      expect(await pings('lan', `${suite.subnet}.2`)).toBe(true);
    });

    test('nat: reaches outside through its host, and is not reached', async () => {
      const { pod } = await suite.create('nat', { options: ['--network', 'nat'] });
      expect(pod.address).toMatch(/^10\.114\./);
      expect(await pings('nat', `${suite.subnet}.2`)).toBe(true);
      expect(await isAnswering(pod.address!)).toBe(false);
      await suite.delete('nat');
      await until('no bridge without PODs', async () => !(await suite.lab.exec('alpha', ['ip', '-br', 'link'])).stdout.includes('zap0'));
      expect((await suite.lab.exec('alpha', ['nft', 'list', 'tables'])).stdout).not.toMatch(/^table ip zap$/m);
    });

    test('none: nothing but itself', async () => {
      await suite.create('none', { options: ['--network', 'none'], command: idle });
      expect((await suite.exec('none', 'ls', '/sys/class/net')).stdout).toBe('lo\n');
      expect(await pings('none', '127.0.0.1')).toBe(true);
      expect(await pings('none', `${suite.subnet}.1`)).toBe(false);
    });
  });

  describe('limits', () => {
    afterAll(() => suite.delete('limited'), 60_000);

    const options = ['--network', 'none', '--memory', '64M', '--pids', '40', '--cpus', '0.2'];

    test('what the kernel offers is enforced, the rest refused by name', async () => {
      const { facts } = await suite.zap.json<{ facts: { limitControllers: string[] } }>('host', 'show', 'alpha');
      const missing = ['memory', 'cpu', 'pids'].filter((controller) => !facts.limitControllers.includes(controller));
      if (missing.length > 0) {
        expect(await suite.zap.failure('pod', 'create', 'limited', '--host', 'alpha', '--env', 'suite', ...options, '--', ...idle)).toMatchObject({ code: 'system/no-controller', exitCode: 12 });
        return;
      }
      await suite.create('limited', { options, command: idle });
      const requireLimits = async (): Promise<void> => {
        const hog = await suite.exec('limited', 'python3', '-c', 'held=[]\nfor at in range(400):\n  held.append(bytearray(1<<20))\nprint("never")');
        expect(hog.stdout).toBe('');
        expect(hog.exitCode).not.toBe(0);

        const pidsThatFit = await suite.exec('limited', 'python3', '-c', 'import os\nn=0\nwhile n<500:\n  try:\n    if os.fork()==0: os.execvp("sleep",["sleep","3"])\n  except OSError: break\n  n+=1\nprint(n)');
        expect(Number(pidsThatFit.stdout)).toBeGreaterThan(5);
        expect(Number(pidsThatFit.stdout)).toBeLessThan(40);
        await until('room for one more', async () => (await suite.zap.run(['pod', 'exec', 'limited', '--', 'true'])).exitCode === 0);
      };
      await requireLimits();

      const share = await suite.exec('limited', 'python3', '-c', 'import time\nw=time.monotonic(); c=time.process_time()\nwhile time.monotonic()-w<2: pass\nprint((time.process_time()-c)/(time.monotonic()-w))');
      expect(Number(share.stdout)).toBeGreaterThan(0.02);
      expect(Number(share.stdout)).toBeLessThan(0.35);

      await suite.zap.json('pod', 'move', 'limited', 'beta');
      await requireLimits();
    });
  });

  describe('the sandbox', () => {
    beforeAll(async () => void (await suite.create('caged', { options: ['--network', 'none'], command: idle })), 120_000);
    afterAll(() => suite.delete('caged'), 60_000);

    test('a system call filter, few capabilities, ids of its own, no devices but the harmless ones', async () => {
      const { stdout } = await suite.exec('caged', 'sh', '-c', 'cat /proc/1/status; ls /dev; cat /proc/1/uid_map');
      expect(stdout).toMatch(/^Seccomp:\t2$/m);
      const bounding = Number.parseInt(/^CapBnd:\t([0-9a-f]+)/m.exec(stdout)![1]!, 16);
      for (const [name, bit] of Object.entries({ SYS_ADMIN: 21, SYS_MODULE: 16, SYS_PTRACE: 19, SYS_TIME: 25, NET_ADMIN: 12, MKNOD: 27 })) expect(Math.floor(bounding / 2 ** bit) % 2, name).toBe(0);
      const devices = stdout.split('\n');
      for (const device of ['mem', 'kmsg', 'fuse', 'loop-control', 'vda', 'kvm']) expect(devices).not.toContain(device);
      for (const device of ['null', 'urandom', 'pts', 'shm']) expect(devices).toContain(device);
      const { uidBase } = suite.alpha.record('caged')!;
      expect(stdout).toMatch(new RegExp(`^ +0 +${uidBase} +65536$`, 'm'));
      const pids = suite.alpha.processes(uidBase).map(({ pid }) => pid);
      for (const kind of ['user', 'pid', 'net', 'mnt', 'ipc', 'uts', 'time']) expect(readlinkSync(suite.alpha.path('proc', String(pids[0]), 'ns', kind)), kind).not.toBe(readlinkSync(suite.alpha.path('proc/1/ns', kind)));
    });

    test('root in it may not leave it', async () => {
      const refused = /permission denied|not permitted|not implemented|must be root|read-only/i;
      const tries = ['mount -t proc proc /mnt', 'mknod /tmp/disk b 8 0', 'unshare --user true', 'hostname elsewhere', 'echo 1 >/proc/sys/kernel/panic', 'date -s 2001-01-01'];
      const script = tries.map((attempt) => `(${attempt}) 2>&1; echo "exit $?"`).join('\n');
      await suite.zap.json('pod', 'exec', 'caged', '--detach', '--', 'sudo', '-n', 'sh', '-c', `(${script}) >/tmp/attempts; touch /tmp/tried`);
      const { stdout } = await suite.exec('caged', 'sh', '-c', 'until [ -e /tmp/tried ]; do sleep 0.05; done; cat /tmp/attempts');
      const outcomes = stdout.split(/^exit /m);
      tries.forEach((attempt, at) => {
        expect(outcomes[at], attempt).toMatch(refused);
        expect(outcomes[at + 1], attempt).toMatch(/^[1-9]/);
      });
    });
  });
}
