/** What cannot be done is refused before anything is touched, by a code that stays the same; the POD runs on. */
import { rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Suite, TestPod } from '../support/suite';
import { requireAlive } from '../support/witness';

export function refusals(suite: Suite): void {
  describe('refused', () => {
    let pod: TestPod;

    beforeAll(async () => {
      pod = await suite.createAlive('resident');
    }, 120_000);
    afterAll(() => suite.delete('resident'), 60_000);

    const staysWhereItIs = async (): Promise<void> => {
      await requireAlive(pod.address, pod.born);
      expect(suite.alpha.record('resident')!.state.kind).toBe('running');
      await suite.requireGone('beta', pod.record);
      expect([...suite.alpha.journals(), ...suite.beta.journals()]).toEqual([]);
    };

    test.each([
      { args: ['pod', 'move', 'resident', 'nowhere'], code: 'host/unknown', exitCode: 3 },
      { args: ['pod', 'move', 'nobody', 'beta'], code: 'pod/not-found', exitCode: 4 },
      { args: ['pod', 'create', 'new', '--host', 'nowhere', '--env', 'suite'], code: 'host/unknown', exitCode: 3 },
      { args: ['pod', 'create', 'new', '--host', 'alpha', '--env', 'no-such-environment'], code: 'environment/not-found', exitCode: 5 },
      { args: ['pod', 'create', 'resident', '--host', 'beta', '--env', 'suite'], code: 'pod/name-taken', exitCode: 4 },
      { args: ['pod', 'clone', 'resident', 'resident', '--network', 'none'], code: 'pod/name-taken', exitCode: 4 },
      { args: ['pod', 'clone', 'resident', 'Copy Of It', '--network', 'none'], code: 'usage/bad-name', exitCode: 2 },
      { args: ['pod', 'clone', 'nobody', 'new', '--network', 'none'], code: 'pod/not-found', exitCode: 4 },
      { args: ['pod', 'rename', 'resident', 'resident'], code: 'pod/name-taken', exitCode: 4 },
      { args: ['pod', 'create', 'Ünïcode', '--host', 'alpha', '--env', 'suite'], code: 'usage/bad-name', exitCode: 2 },
      { args: ['pod', 'create', '../../etc', '--host', 'alpha', '--env', 'suite'], code: 'usage/bad-name', exitCode: 2 },
      { args: ['pod', 'create', '$(reboot)', '--host', 'alpha', '--env', 'suite'], code: 'usage/bad-name', exitCode: 2 },
      { args: ['pod', 'create', 'a'.repeat(41), '--host', 'alpha', '--env', 'suite'], code: 'usage/bad-name', exitCode: 2 },
      { args: ['pod', 'move', '../../etc', 'beta'], code: 'pod/not-found', exitCode: 4 },
      { args: ['pod', 'create', 'new', '--host', 'alpha', '--env', 'suite', '--network', 'lan:1.2.3'], code: 'usage/bad-network', exitCode: 2 },
      { args: ['pod', 'create', 'new', '--host', 'alpha', '--env', 'suite', '--network', 'lan:192.0.2.9/24'], code: 'network/no-segment', exitCode: 10 },
      { args: ['pod', 'create', 'new', '--host', 'alpha', '--env', 'suite', '--memory', 'much'], code: 'usage/bad-size', exitCode: 2 },
      { args: ['pod', 'create', 'new', '--host', 'alpha', '--env', 'suite', '--pids', '-1'], code: 'usage/bad-number', exitCode: 2 },
      { args: ['pod', 'mvoe', 'resident', 'beta'], code: 'usage/unknown-command', exitCode: 2 },
      { args: ['pod', 'move', 'resident', 'beta', '--force'], code: 'usage/unknown-option', exitCode: 2 },
      { args: ['pod', 'move', 'resident'], code: 'usage/bad-arguments', exitCode: 2 },
    ].map((one) => [one.args.join(' '), one] as const))('zap %s', async (_words, { args, code, exitCode }) => {
      expect(await suite.zap.failure(...args)).toMatchObject({ code, exitCode });
    });

    test('a taken address: of a POD here, of a POD on another host, of a host', async () => {
      for (const address of [pod.address, suite.lab.host('beta').address]) {
        for (const host of ['alpha', 'beta']) expect(await suite.zap.failure('pod', 'create', 'new', '--host', host, '--env', 'suite', ...suite.lan(address)), `${address} on ${host}`).toMatchObject({ code: 'network/address-taken', exitCode: 10 });
      }
      // That of a host is answered for by no record: the network is asked.
      for (const to of ['alpha', 'beta']) expect(await suite.zap.failure('pod', 'clone', 'resident', 'new', '--host', to, ...suite.lan(suite.lab.host('beta').address)), `a clone on ${to}`).toMatchObject({ code: 'preflight/address-taken', exitCode: 6 });
      expect([...suite.alpha.records(), ...suite.beta.records()].filter(({ name }) => name === 'new')).toEqual([]);
      await staysWhereItIs();
    });

    test('nothing of all this has touched anything', staysWhereItIs);

    test.each<[string, (path: string) => void]>([
      ['is missing', () => {}],
      ['is too old', (path) => writeFileSync(path, '#!/bin/sh\necho "Version: 3.17.1"\n', { mode: 0o755 })],
    ])('a target whose own CRIU %s: the one that the helper carries is used', async (_what, spoil) => {
      const path = suite.beta.path('usr/sbin/criu'); // hosts of the lab have none of their own
      try {
        spoil(path);
        const { exitCode, stdout } = await suite.zap.run(['pod', 'move', 'resident', 'beta', '--dry-run', '--json']);
        expect(exitCode).toBe(0);
        expect(JSON.parse(stdout.toString())).toMatchObject({ canMove: true });
        await suite.zap.json('pod', 'move', 'resident', 'beta');
        await requireAlive(pod.address, pod.born);
        await suite.zap.json('pod', 'move', 'resident', 'alpha');
      } finally {
        rmSync(path, { force: true });
      }
      await staysWhereItIs();
    });

    test('a target whose disk is full', async () => {
      await suite.lab.fillDisk('beta', 20 << 20);
      try {
        expect(await suite.zap.failure('pod', 'move', 'resident', 'beta')).toMatchObject({ code: 'preflight/target-disk', exitCode: 6, message: expect.stringMatching(/room/) as string });
      } finally {
        await suite.lab.emptyDisk('beta');
      }
      await staysWhereItIs();
    });

    test('a target with too little memory', async () => {
      await suite.lab.exec('beta', ['sh', '-c', 'sed "s/^MemAvailable:.*/MemAvailable:      65536 kB/" /proc/meminfo >/run/meminfo; mount --bind /run/meminfo /proc/meminfo']);
      try {
        expect(await suite.zap.failure('pod', 'move', 'resident', 'beta')).toMatchObject({ code: 'preflight/target-memory', exitCode: 6, message: expect.stringMatching(/too little free memory: 64 MiB, needed \d+ MiB/) as string });
      } finally {
        await suite.lab.exec('beta', ['umount', '/proc/meminfo']);
      }
      await staysWhereItIs();
    });

    test('a target that is not there, and one that comes back', async () => {
      const silent = expect.stringMatching(/^host\/(unreachable|timeout)$/) as string; // whether a router says so or nobody does
      await suite.lab.killHost('beta');
      try {
        expect(await suite.zap.failure('pod', 'move', 'resident', 'beta')).toMatchObject({ code: silent, exitCode: 3 });
        const { pods, unreachable } = await suite.zap.json<{ pods: { name: string }[]; unreachable: { host: string; code: string }[] }>('pod', 'list');
        expect(pods.map(({ name }) => name)).toContain('resident');
        expect(unreachable).toMatchObject([{ host: 'beta', code: silent }]);
      } finally {
        await suite.lab.startHost('beta');
      }
      await requireAlive(pod.address, pod.born);
      await suite.zap.json('pod', 'move', 'resident', 'beta');
      await suite.zap.json('pod', 'move', 'resident', 'alpha');
      await staysWhereItIs();
    }, 120_000);

    test('a POD that runs a command of exec moves once that has ended', async () => {
      const command = suite.zap.start(['pod', 'exec', 'resident', '--', 'sh', '-c', 'echo started; sleep 600']);
      await new Promise((resolve) => command.child.stdout!.once('data', resolve));
      expect(await suite.zap.failure('pod', 'move', 'resident', 'beta')).toMatchObject({ code: 'preflight/exec-running', exitCode: 6, message: expect.stringContaining('sleep 600') as string });
      await staysWhereItIs();
      command.child.kill('SIGKILL');
      await command.ended;
    });
  });
}
