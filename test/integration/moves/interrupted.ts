/**
 * CRIU killed while it works in a POD's processes. Not all of them can always be saved (docs/CRIU.md): what counts is that it is said.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { forgetMoments, stopAt } from '../support/moment';
import type { HostName, Suite, TestPod } from '../support/suite';
import { requireAlive } from '../support/witness';

const pod = 'interrupted';
const from: HostName = 'alpha';
const to: HostName = 'beta';

export function interruptedDumps(suite: Suite): void {
  describe('CRIU is killed at the source', () => {
    let alive: TestPod;
    const create = async (): Promise<void> => void (alive = await suite.createAlive(pod, { host: from }));

    beforeAll(create, 60_000);
    afterEach(() => forgetMoments(suite.view(from)));
    afterAll(() => suite.delete(pod), 60_000);

    test.each([0, 3, 8])('in the middle of the dump, %d ms after the freeze: the POD goes on and moves, or it is said what has ended', async (afterMs) => {
      const moment = await stopAt(suite.view(from), 'source-frozen');
      const move = suite.zap.start(['pod', 'move', pod, to, '--json']);
      await moment.reached();
      moment.goOn();
      await delay(afterMs);
      await suite.view(from).kill('criu');
      const { exitCode, stdout } = await move.ended;
      forgetMoments(suite.view(from));
      const { error } = JSON.parse(stdout.toString()) as { error?: { code: string; message: string } };
      if (exitCode !== 0 && error?.code === 'criu/died-with-processes') {
        expect(error.message).toMatch(/ended with it/);
        await suite.delete(pod);
        return create();
      }
      if (exitCode !== 0) expect(error).toMatchObject({ code: 'criu/died', message: expect.stringContaining(`"${pod}" runs on ${from}.`) });
      await requireAlive(alive.address, alive.born);
      await suite.zap.json('pod', 'move', pod, exitCode === 0 ? from : to);
      await requireAlive(alive.address, alive.born);
      if (exitCode !== 0) await suite.zap.json('pod', 'move', pod, from);
    }, 120_000);
  });
}
