/** A POD that takes all of what its host has one disk of: the host stays in command, and who lives beside it can leave. */
import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Suite, TestPod } from '../support/suite';
import { until } from '../support/until';
import { requireAlive } from '../support/witness';

export function appetite(suite: Suite): void {
  describe('a POD that fills the disk of its host', () => {
    let neighbour: TestPod;
    const freeBlocks = async (): Promise<number> => (await statfs(suite.alpha.path('var/lib/zap'))).bavail;

    beforeAll(async () => {
      neighbour = await suite.createAlive('neighbour');
      for (const host of ['beta', 'alpha']) await suite.zap.json('pod', 'move', 'neighbour', host); // both hosts have all that a move takes
      await suite.create('glutton', { options: ['--network', 'none'], command: ['sleep', 'infinity'] });
      await suite.zap.run(['pod', 'exec', 'glutton', '--', 'sh', '-c', 'cat >/home/user/glutton.py'], { input: readFileSync(join(import.meta.dirname, 'glutton.py'), 'utf8') });
      await suite.lab.fillDisk('alpha', 128 << 20);
      await suite.zap.json('pod', 'exec', 'glutton', '--detach', '--', 'python3', '/home/user/glutton.py');
      await until('a full disk', async () => (await freeBlocks()) === 0, { withinMs: 30_000 });
    }, 120_000);
    afterAll(async () => {
      await suite.lab.emptyDisk('alpha');
      await suite.delete('glutton', 'neighbour');
    }, 60_000);

    test('is told from others, and what needs room is refused while all goes on as it was', async () => {
      const { pods } = await suite.zap.json<{ pods: { name: string }[] }>('pod', 'list');
      expect(pods.map(({ name }) => name)).toEqual(expect.arrayContaining(['glutton', 'neighbour']));
      for (const verb of [['suspend', 'neighbour'], ['create', 'another', '--host', 'alpha', '--env', 'suite', '--network', 'none']]) {
        const { exitCode, message } = await suite.zap.failure('pod', ...verb);
        expect(exitCode).not.toBe(70);
        expect(message).toMatch(/disk.* full|no space|room/i);
      }
      await requireAlive(neighbour.address, neighbour.born);
    });

    test('keeps nobody beside it: others move away, and not back', async () => {
      await suite.zap.json('pod', 'move', 'neighbour', 'beta');
      await requireAlive(neighbour.address, neighbour.born);
      await suite.requireGone('alpha', neighbour.record);
      expect(await suite.zap.failure('pod', 'move', 'neighbour', 'alpha')).toMatchObject({ code: 'preflight/target-disk' });
      await requireAlive(neighbour.address, neighbour.born);
    });

    test('is given another name and deleted all the same; then there is room again', async () => {
      await until('a full disk', async () => (await freeBlocks()) === 0);
      const record = suite.alpha.record('glutton')!;
      await suite.zap.json('pod', 'rename', 'glutton', 'greedy');
      expect(suite.alpha.record('greedy')).toMatchObject({ id: record.id, state: { kind: 'running' } });
      await suite.zap.json('pod', 'delete', 'greedy', '--yes');
      await suite.requireGone('alpha', record);
      await suite.lab.emptyDisk('alpha');
      await suite.zap.json('pod', 'move', 'neighbour', 'alpha');
      await requireAlive(neighbour.address, neighbour.born);
    });
  });
}
