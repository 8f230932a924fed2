/** Suspend, resume and clone; and checkpoints that somebody has laid hands on. */
import { appendFileSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync, openSync, writeSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostName, Suite, TestPod } from '../support/suite';
import { until } from '../support/until';
import { Echo, isAnswering, requireAlive, stateOf } from '../support/witness';

interface Shown {
  host: HostName;
  pod: { id: string; name: string; mac: string; address?: string; state: { kind: string; sizeBytes?: number } };
}

export function podCheckpoints(suite: Suite): void {
  describe('suspend, resume, clone', () => {
    let pod: TestPod;
    const show = (name: string): Promise<Shown> => suite.zap.json<Shown>('pod', 'show', name);

    beforeAll(async () => {
      pod = await suite.createAlive('sleeper');
    }, 120_000);
    afterAll(() => suite.delete('sleeper', 'copy-1', 'copy-2', 'copy-3', 'copy-4'), 60_000);

    test('suspended it takes no process and no mount; resumed it goes on with its memory and its connections', async () => {
      using echo = await Echo.open(pod.address);
      const suspended = await suite.zap.json('pod', 'suspend', 'sleeper');
      expect(suspended).toMatchObject({ host: 'alpha', pod: { name: 'sleeper', state: { kind: 'suspended' } }, steps: expect.any(Array) as unknown });
      expect(suspended['sizeBytes']).toBeGreaterThan(1 << 20);
      expect(suspended['frozenMs']).toBeGreaterThan(0);
      expect(suite.alpha.traces(pod.record).filter((trace) => !/\/locks\/|\/var\/lib\/zap\/pods\//.test(trace))).toEqual([]);
      expect(await isAnswering(pod.address)).toBe(false);
      for (const verb of [['suspend', 'sleeper'], ['exec', 'sleeper', '--', 'true'], ['screenshot', 'sleeper', '/dev/null']]) expect(await suite.zap.failure('pod', ...verb)).toMatchObject({ exitCode: 4 });

      expect(await suite.zap.json('pod', 'resume', 'sleeper')).toMatchObject({ host: 'alpha', pod: { state: { kind: 'running' } } });
      await requireAlive(pod.address, pod.born);
      await echo.say('still there?');
      expect(suite.alpha.traces(pod.record)).not.toContain(`file /var/lib/zap/pods/${pod.record.id}/checkpoint`);
      expect(await suite.zap.failure('pod', 'resume', 'sleeper')).toMatchObject({ code: 'pod/wrong-state', exitCode: 4 });
    });

    test('a suspended POD that is moved stays suspended, and resumes on another host', async () => {
      await suite.zap.json('pod', 'suspend', 'sleeper');
      const report = await suite.zap.json('pod', 'move', 'sleeper', 'beta');
      expect(report).toMatchObject({ pod: 'sleeper', from: 'alpha', to: 'beta', mode: 'stored', downtimeMs: 0 });
      expect(await show('sleeper')).toMatchObject({ host: 'beta', pod: { state: { kind: 'suspended' } } });
      await suite.requireGone('alpha', pod.record);
      expect(suite.beta.processes(pod.record.uidBase)).toEqual([]);

      expect(await suite.zap.json('pod', 'resume', 'sleeper', '--host', 'alpha')).toMatchObject({ pod: 'sleeper', from: 'beta', to: 'alpha' });
      expect(await show('sleeper')).toMatchObject({ host: 'alpha', pod: { state: { kind: 'running' } } });
      await suite.requireGone('beta', pod.record);
      await requireAlive(pod.address, pod.born);
    });

    test('one whose address somebody took meanwhile stays suspended, here and elsewhere, until it is free again', async () => {
      await suite.zap.json('pod', 'suspend', 'sleeper');
      await suite.create('squatter', { host: 'beta', options: suite.lan(pod.address) });
      const squatter = await stateOf(pod.address);
      expect(await suite.zap.failure('pod', 'resume', 'sleeper')).toMatchObject({ code: 'network/address-taken', exitCode: 10, message: expect.stringMatching(/"sleeper" is suspended on alpha\.$/) as string });
      expect(await suite.zap.failure('pod', 'resume', 'sleeper', '--host', 'beta')).toMatchObject({ code: 'preflight/address-taken', exitCode: 6 });
      expect((await show('sleeper')).pod.state.kind).toBe('suspended');
      await requireAlive(pod.address, squatter);
      await suite.delete('squatter');
      await suite.zap.json('pod', 'resume', 'sleeper');
      await requireAlive(pod.address, pod.born);
    });

    test.each([
      { copy: 'copy-1', isRunning: true, to: 'alpha' },
      { copy: 'copy-2', isRunning: true, to: 'beta' },
      { copy: 'copy-3', isRunning: false, to: 'alpha' },
      { copy: 'copy-4', isRunning: false, to: 'beta' },
    ] as const)('a clone has a name, machine-id, MAC and address of its own, and the same memory: running $isRunning, to $to', async ({ copy, isRunning, to }) => {
      const address = suite.newAddress();
      using echo = await Echo.open(pod.address);
      if (!isRunning) await suite.zap.json('pod', 'suspend', 'sleeper');
      expect(await suite.zap.failure('pod', 'clone', 'sleeper', copy, '--host', to)).toMatchObject({ code: 'network/address-needed', exitCode: 10 });
      await suite.zap.json('pod', 'clone', 'sleeper', copy, '--host', to, ...suite.lan(address));
      if (!isRunning) {
        expect((await show('sleeper')).pod.state.kind).toBe('suspended');
        await suite.zap.json('pod', 'resume', 'sleeper');
      }
      const [original, clone] = await Promise.all([requireAlive(pod.address, pod.born), stateOf(address)]);
      expect(clone.token).toBe(original.token);
      expect(clone).toMatchObject({ hostname: copy, hostnameFile: copy });
      for (const key of ['machineId', 'mac', 'hostname'] as const) expect(clone[key], key).not.toBe(original[key]);
      await requireAlive(address, clone);
      await echo.say('the original keeps its connection');
      const { stdout } = await suite.exec(copy, 'sh', '-c', `ip -o -4 addr show scope global; ss -Htn state established sport = :7000`);
      expect(stdout).toContain(`${address}/24`);
      expect(stdout).not.toContain(pod.address);
      const shown = await show(copy);
      expect(shown).toMatchObject({ host: to, pod: { address, mac: clone.mac } });
      await suite.delete(copy);
      await requireAlive(pod.address, pod.born);
    });

    describe('a checkpoint that is not what was stored', () => {
      let images: string;
      let parts: string[];

      beforeAll(async () => {
        await suite.zap.json('pod', 'suspend', 'sleeper');
        images = suite.alpha.path('var/lib/zap/pods', pod.record.id, 'checkpoint/images');
        parts = readdirSync(images);
      }, 60_000);

      const pages = (): string => parts.filter((name) => name.startsWith('pages-')).sort((a, b) => statSync(join(images, b)).size - statSync(join(images, a)).size)[0]!;

      test.each<{ how: string; part: () => string; spoil: (path: string) => void }>([
        { how: 'truncated', part: pages, spoil: (path) => truncateSync(path, statSync(path).size - 1) },
        {
          how: 'altered',
          part: pages,
          spoil: (path) => {
            const file = openSync(path, 'r+');
            writeSync(file, 'X', 4096);
            closeSync(file);
          },
        },
        { how: 'missing', part: () => 'inventory.img', spoil: (path) => rmSync(path) },
        { how: 'longer', part: () => 'pstree.img', spoil: (path) => appendFileSync(path, 'more') },
        { how: 'added', part: () => 'core-99999.img', spoil: (path) => writeFileSync(path, 'from elsewhere') },
        { how: 'without its manifest', part: () => '../manifest.json', spoil: (path) => rmSync(path) },
        { how: 'with a manifest that was edited', part: () => '../manifest.json', spoil: (path) => writeFileSync(path, '{"version":1}') },
      ])('$how: refused by name before anything is touched', async ({ part, spoil }) => {
        const path = join(images, part());
        const kept = statSync(path, { throwIfNoEntry: false }) && readFileSync(path);
        spoil(path);
        try {
          const failures = [await suite.zap.failure('pod', 'resume', 'sleeper'), await suite.zap.failure('pod', 'resume', 'sleeper', '--host', 'beta')];
          for (const failure of failures) {
            expect(failure).toMatchObject({ code: 'checkpoint/damaged', exitCode: 8 });
            expect(failure.message).toContain(part().replace('../', ''));
          }
          expect(suite.alpha.processes(pod.record.uidBase)).toEqual([]);
          await suite.requireGone('beta', pod.record);
        } finally {
          if (kept) writeFileSync(path, kept);
          else rmSync(path);
        }
      });

      test('whole again, it resumes', async () => {
        await suite.zap.json('pod', 'resume', 'sleeper');
        await requireAlive(pod.address, pod.born);
        await until('no checkpoint beside a running POD', () => !statSync(images, { throwIfNoEntry: false }));
      });
    });
  });
}
