/** CRIU killed while it works in a POD's processes, or holds them: none is lost. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { forgetMoments, stopAt } from '../support/moment';
import type { HostName, Suite, TestPod } from '../support/suite';
import { until } from '../support/until';
import { Download, Echo, requireAlive } from '../support/witness';
import { failureOf } from '../support/zap';

const pod = 'interrupted';
const from: HostName = 'alpha';
const to: HostName = 'beta';

export function interruptedDumps(suite: Suite): void {
  describe('CRIU is killed at the source', () => {
    let alive: TestPod;
    /** Which processors the POD's processes may use, each answer once. */
    const processorLists = (): string[] => {
      const pids = suite.view(from).processes(alive.record.uidBase).map(({ pid }) => pid);
      return [...new Set(pids.map((pid) => /^Cpus_allowed_list:\s+(.*)$/m.exec(readFileSync(suite.view(from).path('proc', String(pid), 'status'), 'latin1'))![1]!))];
    };

    beforeAll(async () => {
      await suite.lab.allowRealTime();
      alive = await suite.createAlive(pod, { host: from });
    }, 60_000);
    afterEach(() => forgetMoments(suite.view(from)));
    afterAll(() => suite.delete(pod), 60_000);

    test.each([0, 3, 8, 20])('in the middle of the dump, %d ms after the freeze: the POD goes on and moves', async (afterMs) => {
      const before = processorLists();
      const moment = await stopAt(suite.view(from), 'source-frozen');
      const move = suite.zap.start(['pod', 'move', pod, to, '--json']);
      await moment.reached();
      expect(processorLists()).toEqual([expect.stringMatching(/^\d+$/)]); // its warden is there
      moment.goOn();
      await delay(afterMs);
      await suite.view(from).kill('criu');
      const { exitCode, stdout } = await move.ended;
      forgetMoments(suite.view(from));
      const { error } = JSON.parse(stdout.toString()) as { error?: { code: string; message: string } };
      if (exitCode !== 0) expect(processorLists()).toEqual(before);
      if (exitCode !== 0) expect(error).toMatchObject({ code: 'criu/died', message: expect.stringContaining(`"${pod}" runs on ${from}.`) });
      await requireAlive(alive.address, alive.born);
      await suite.zap.json('pod', 'move', pod, exitCode === 0 ? from : to);
      await requireAlive(alive.address, alive.born);
      if (exitCode !== 0) await suite.zap.json('pod', 'move', pod, from);
    }, 120_000);

    test('while it holds what it has dumped: nothing runs until all connections go on, and none is lost', async () => {
      using download = await Download.start(alive.address, 2 ** 40, 200_000);
      using echo = await Echo.open(alive.address);
      const moment = await stopAt(suite.view(from), 'source-dumped');
      const move = suite.zap.start(['pod', 'move', pod, to, '--json']);
      await moment.reached();
      const processes = (): string[] => suite.view(from).processes(alive.record.uidBase).map(({ pid }) => readFileSync(suite.view(from).path('proc', String(pid), 'stat'), 'latin1').split(') ').at(-1)!.split(' ').slice(11, 13).join()); // time used
      await until('CRIU killed', async () => (await suite.view(from).kill('criu')) > 0);
      await until('CRIU gone', async () => (await suite.view(from).programs('criu')).length === 0);
      const before = processes();
      await delay(200);
      expect(processes()).toEqual(before);
      moment.goOn();
      expect(failureOf(['pod', 'move'], await move.ended)).toMatchObject({ code: 'criu/died', message: expect.stringContaining(`"${pod}" runs on ${from}.`) });
      await requireAlive(alive.address, alive.born);
      await download.goesOn();
      await echo.say('still here');
      forgetMoments(suite.view(from));
      await suite.zap.json('pod', 'move', pod, to);
      await download.goesOn();
      await echo.say('and there');
    }, 120_000);
  });
}
