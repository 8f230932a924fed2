/** Hosts that go away and come back. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LastingClient } from '../../../main/helper-client/lasting-client';
import { ensureEnvironment } from '../support/environment';
import { until } from '../support/until';
import type { HostLab } from './host-lab';

export function trouble(suite: HostLab): void {
  describe('a host that reboots', () => {
    test('is connected again, and its PODs are reported as lost', async () => {
      await ensureEnvironment(suite.zap, 'suite', join(import.meta.dirname, '../support/environment'));
      await suite.zap.json('host', 'add', 'alpha', `zap@${suite.address('alpha')}`, '--identity', suite.key, '--accept-key', suite.fingerprintOf('alpha'));
      await suite.zap.json('pod', 'create', 'doomed', '--host', 'alpha', '--env', 'suite', '--network', 'none', '--', 'sleep', '1000');
      await suite.zap.json('pod', 'create', 'sleeper', '--host', 'alpha', '--env', 'suite', '--network', 'none', '--', 'sleep', '1000');
      await suite.zap.json('pod', 'suspend', 'sleeper');
      using lasting = new LastingClient({ connect: () => suite.helper(suite.target('alpha')), firstDelayMs: 50, maxDelayMs: 300 });
      const bootId = await until('a connection', () => lasting.state.kind === 'ready' && lasting.state.client.hello.bootId);
      await suite.lab.killHost('alpha');
      await until('the loss', () => lasting.state.kind !== 'ready', { withinMs: 30_000 });
      await suite.lab.startHost('alpha');
      const after = await until('a new connection', () => lasting.state.kind === 'ready' && lasting.state.client.hello.bootId, { withinMs: 30_000 });
      expect(after).not.toBe(bootId);
      const { pods } = await suite.zap.json<{ pods: { name: string; state: { kind: string; reason?: string } }[] }>('pod', 'list');
      expect(pods).toMatchObject([{ name: 'doomed', state: { kind: 'lost', reason: expect.stringMatching(/host was restarted/) } }, { name: 'sleeper', state: { kind: 'suspended' } }]);
      expect(await suite.zap.json('pod', 'resume', 'sleeper')).toMatchObject({ host: 'alpha' });
      await suite.zap.json('pod', 'delete', 'sleeper', '--yes');
      await suite.zap.json('pod', 'delete', 'doomed', '--yes');
      await suite.zap.json('host', 'remove', 'alpha');
    });
  });
}
