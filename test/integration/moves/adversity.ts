/** What happens to hosts and cables while a POD moves: it runs on where it was, nothing stays behind, and the next attempt succeeds. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostName, Suite, TestPod } from '../support/suite';
import { until } from '../support/until';
import { ask, requireAlive } from '../support/witness';
import { failureOf } from '../support/zap';

const pod = 'weathered';
const from: HostName = 'alpha';
const to: HostName = 'beta';

export function adversity(suite: Suite): void {
  describe('a move in bad weather', () => {
    let alive: TestPod;

    beforeAll(async () => {
      alive = await suite.createAlive(pod, { host: from });
      await ask(alive.address, 'write', '/home/user/bulk', String(12 << 20));
      await ask(alive.address, 'remember', String(8 << 20));
      await suite.zap.json('pod', 'move', pod, to); // the environment is everywhere
      await suite.zap.json('pod', 'move', pod, from);
    }, 120_000);
    afterAll(() => suite.delete(pod), 60_000);

    const filesLeave = (): boolean => suite.view(from).journals().length > 0 && suite.view(to).records().some(({ name }) => name === pod);
    const isFrozen = (): boolean => suite.view(from).processes(alive.record.uidBase).some(({ isStopped }) => isStopped);
    const cut = (): Promise<unknown> => suite.lab.exec(to, ['nft', '-f', '-'], { input: `table ip suite { chain input { type filter hook input priority 0; ip saddr ${suite.lab.host(from).address} drop\n }\n}` });
    const join = (): Promise<unknown> => suite.lab.exec(to, ['nft', 'delete', 'table', 'ip', 'suite']);

    test.each([
      { what: 'the cable between the hosts is cut before the freeze', rateMbit: 20, moment: filesLeave, strike: cut, mend: join, codes: ['move/channel-lost'] },
      { what: 'the cable between the hosts is cut while it is frozen', rateMbit: 40, moment: isFrozen, strike: cut, mend: join, codes: ['move/channel-lost'] },
      { what: 'the target’s disk runs full', rateMbit: 20, moment: filesLeave, strike: () => suite.lab.fillDisk(to, 0), mend: () => suite.lab.emptyDisk(to), codes: ['system/disk-full'] },
      { what: 'the target loses its power', rateMbit: 40, moment: isFrozen, strike: () => suite.lab.killHost(to), mend: () => suite.lab.startHost(to), codes: ['move/channel-lost', 'move/connection-lost', 'move/peer-lost'] },
    ].map((weather) => [weather.what, weather] as const))('%s', async (_what, { rateMbit, moment, strike, mend, codes }) => {
      await suite.lab.setLink(to, { rateMbit });
      const args = ['pod', 'move', pod, to, '--json'];
      const move = suite.zap.start(args);
      try {
        await until('the moment', moment, { everyMs: 1 });
        await strike();
        const failure = failureOf(args, await move.ended);
        expect(failure.code).toEqual(expect.toBeOneOf(codes));
        expect(failure.message).toContain(`"${pod}" runs on ${from}`);
      } finally {
        await mend();
        await suite.lab.clearLink(to);
      }
      await requireAlive(alive.address, alive.born);
      await suite.zap.json('pod', 'list'); // asking is what lets a host tidy up that came back
      await suite.requireGone(to, alive.record);
      await until('no journal', () => suite.view(from).journals().length === 0, { withinMs: 10_000 });
    }, 180_000);

    test('after all that it moves; and a clone outlives the move of its original', async () => {
      const address = suite.newAddress();
      await suite.zap.json('pod', 'clone', pod, 'offspring', ...suite.lan(address));
      try {
        await suite.zap.json('pod', 'move', pod, to);
        await requireAlive(alive.address, alive.born);
        const clone = await requireAlive(address, { ...alive.born, ticks: 0 });
        expect(clone.hostname).toBe('offspring');
        await suite.zap.json('pod', 'move', pod, from);
        await requireAlive(address, clone);
      } finally {
        await suite.delete('offspring');
      }
    }, 180_000);
  });
}
