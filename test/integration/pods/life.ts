/** Create, list, show, rename, delete; what a POD is to programs that read JSON. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { environmentName, type Suite } from '../support/suite';
import { Terminal } from '../support/terminal';
import { until } from '../support/until';
import { isAnswering, requireAlive, stateOf } from '../support/witness';

interface Listed {
  host: string;
  id: string;
  name: string;
  state: { kind: string };
  address?: string;
  environment: { digest: string; name: string };
}

export function podLife(suite: Suite): void {
  describe('the life of a POD', () => {
    test('it is created, listed, shown, renamed and deleted, and nothing of it stays', async () => {
      const address = suite.newAddress();
      const before = suite.alpha.namespaces('net');
      const { host, pod } = await suite.create('life', { options: [...suite.lan(address), '--memory', '256M'] });
      expect({ host, pod }).toMatchObject({ host: 'alpha', pod: { name: 'life', state: { kind: 'running' }, address, owner: 'zap', hasDisplay: false, limits: { memoryBytes: 256 * 2 ** 20 }, environment: { name: environmentName } } });
      const born = await stateOf(address);
      expect(born).toMatchObject({ hostname: 'life', hostnameFile: 'life', mac: pod.mac, uid: 1000 });
      expect(born.machineId).toMatch(/^[0-9a-f]{32}$/);

      const { pods, unreachable } = await suite.zap.json<{ pods: Listed[]; unreachable: unknown[] }>('pod', 'list');
      expect(pods.filter(({ name }) => name === 'life')).toMatchObject([{ host: 'alpha', id: pod.id, address, state: { kind: 'running' } }]);
      expect(unreachable).toEqual([]);

      const shown = await suite.zap.json('pod', 'show', 'life');
      expect(shown).toMatchObject({ host: 'alpha', pod: { id: pod.id }, command: ['python3', '/usr/lib/suite/witness.py'], findings: [] });
      const { processes, memoryBytes, layerBytes } = shown['usage'] as Record<string, number>;
      expect(processes).toBeGreaterThanOrEqual(3);
      expect(memoryBytes).toBeGreaterThan(1 << 20);
      expect(layerBytes).toBeGreaterThan(0);

      expect(await suite.zap.json('pod', 'rename', 'life', 'after-life')).toMatchObject({ host: 'alpha', pod: { id: pod.id, name: 'after-life' } });
      expect(await suite.zap.failure('pod', 'show', 'life')).toMatchObject({ code: 'pod/not-found', exitCode: 4 });
      expect(await suite.zap.json('pod', 'show', pod.id)).toMatchObject({ pod: { name: 'after-life' } });
      await requireAlive(address, born);

      const record = suite.alpha.record('after-life')!;
      expect(suite.alpha.traces(record).length).toBeGreaterThan(5); // or the check below would prove nothing
      expect(await suite.zap.failure('pod', 'delete', 'after-life')).toMatchObject({ code: 'usage/unconfirmed', exitCode: 2 });
      {
        using terminal = Terminal.run(suite.zap, ['pod', 'delete', 'after-life']);
        await terminal.shows(/Delete after-life on alpha with all its files\? Type its name: /);
        terminal.type('life\r');
        expect(await terminal.exitCode()).toBe(2);
      }
      await requireAlive(address, born);
      expect(await suite.zap.json('pod', 'delete', 'after-life', '--yes')).toEqual({ deleted: { host: 'alpha', id: pod.id, name: 'after-life' } });
      await suite.requireGone('alpha', record);
      await until('its network namespace to be gone', () => suite.alpha.namespaces('net') === before);
      expect(await isAnswering(address)).toBe(false);
    });

    test('a POD whose command ended says so, keeps its files, and takes part in nothing that needs it alive', async () => {
      const { pod } = await suite.create('brief', { options: ['--network', 'none'], command: ['sh', '-c', 'echo was here >/home/user/note'] });
      await until('its end', async () => (await suite.zap.json<{ pod: Listed }>('pod', 'show', 'brief')).pod.state.kind === 'exited', { everyMs: 200 });
      for (const verb of [['exec', 'brief', '--', 'true'], ['suspend', 'brief'], ['move', 'brief', 'beta'], ['clone', 'brief', 'brief-2'], ['resume', 'brief']]) {
        expect(await suite.zap.failure('pod', ...verb), verb.join(' ')).toMatchObject({ code: 'pod/wrong-state', exitCode: 4 });
      }
      const note = suite.alpha.path('var/lib/zap/pods', pod.id, 'layer/home/user/note');
      expect(readFileSync(note, 'utf8')).toBe('was here\n');
      await suite.delete('brief');
    });
  });
}
