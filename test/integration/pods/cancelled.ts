/** Ctrl-C while a POD is made, suspended, resumed, cloned or moved: what was begun is undone or done, and it is said where the POD is. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { forgetMoments, stopAt } from '../support/moment';
import type { HostName, Suite, TestPod } from '../support/suite';
import { isAnswering, requireAlive } from '../support/witness';
import { answer, failureOf, type Ended } from '../support/zap';

const pod = 'patient';
const home: HostName = 'alpha';
const away: HostName = 'beta';
/** Until what a signal has a command say is with the helper, which stands still. */
const heardWithinMs = 150;

export function cancellations(suite: Suite): void {
  describe('Ctrl-C', () => {
    let alive: TestPod;

    beforeAll(async () => void (alive = await suite.createAlive(pod, { host: home })), 60_000);
    afterEach(() => [home, away].forEach((host) => forgetMoments(suite.view(host))));
    afterAll(() => suite.delete(pod), 60_000);

    async function interrupt(args: string[], name: string, { at = home, times = 1 }: { at?: HostName; times?: number } = {}): Promise<{ args: string[]; ended: Ended }> {
      const moment = await stopAt(suite.view(at), name);
      const command = suite.zap.start(['--json', ...args]);
      await moment.reached();
      for (let time = 0; time < times; time++) {
        command.child.kill('SIGINT');
        await delay(heardWithinMs);
      }
      const ended = times > 1 ? await command.ended : undefined; // at once
      moment.goOn();
      return { args, ended: ended ?? (await command.ended) };
    }

    const requireCancelled = ({ args, ended }: { args: string[]; ended: Ended }, sentence: RegExp): void => {
      const failure = failureOf(args, ended);
      expect(failure).toMatchObject({ code: 'cancelled/by-user', exitCode: 130, message: expect.stringMatching(sentence) as string });
    };

    test.each(['create-sandbox', 'create-made'])('at %s: nothing of the POD is left, and its name is free', async (moment) => {
      const address = suite.newAddress();
      const namespaces = suite.alpha.namespaces('net');
      const create = ['pod', 'create', 'unborn', '--host', home, '--env', 'suite', ...suite.lan(address), '--', 'sleep', 'infinity'];
      requireCancelled(await interrupt(create, moment), /^.+$/);
      expect(suite.alpha.records().map(({ name }) => name)).toEqual([pod]);
      expect(suite.alpha.namespaces('net')).toBe(namespaces);
      expect(await isAnswering(address)).toBe(false);
    });

    test.each(['suspend-find-watched-files', 'source-frozen', 'suspend-dumped'])('at %s of a suspend: it runs on', async (moment) => {
      requireCancelled(await interrupt(['pod', 'suspend', pod], moment), /"patient" runs on alpha\./);
      await requireAlive(alive.address, alive.born);
      expect(suite.alpha.traces(alive.record).filter((trace) => /checkpoint|images/.test(trace))).toEqual([]);
    });

    test('when its checkpoint is written it is suspended, and that is the answer', async () => {
      const { args, ended } = await interrupt(['pod', 'suspend', pod], 'suspend-written');
      expect(answer(args, ended)).toMatchObject({ host: home, pod: { state: { kind: 'suspended' } } });
    });

    describe('of a resume', () => {
      beforeAll(async () => void (await suite.zap.run(['pod', 'suspend', pod])), 60_000); // it may be by now

      test.each(['resume-verify-and-decrypt', 'resume-prepare', 'resume-restore'])('at %s: it stays suspended, and nothing of it runs', async (moment) => {
        requireCancelled(await interrupt(['pod', 'resume', pod], moment), /"patient" is suspended on alpha\./);
        expect(suite.alpha.traces(alive.record).filter((trace) => !/\/locks\/|\/var\/lib\/zap\/pods\//.test(trace))).toEqual([]);
      });

      test('when it is too late it runs, and that is the answer', async () => {
        const { args, ended } = await interrupt(['pod', 'resume', pod], 'resume-written');
        expect(answer(args, ended)).toMatchObject({ host: home, pod: { state: { kind: 'running' } } });
        await requireAlive(alive.address, alive.born);
      });
    });

    test.each([
      { moment: 'source-frozen', at: home },
      { moment: 'target-make-processes', at: away },
    ])('at $moment of a clone: the original runs on, and there is no copy', async ({ moment, at }) => {
      const address = suite.newAddress();
      requireCancelled(await interrupt(['pod', 'clone', pod, 'unborn', '--host', away, ...suite.lan(address)], moment, { at }), /"patient" runs on alpha\./);
      await requireAlive(alive.address, alive.born);
      expect([...suite.alpha.records(), ...suite.beta.records()].map(({ name }) => name)).toEqual([pod]);
      expect(await isAnswering(address)).toBe(false);
    });

    test('of a move that is committed changes nothing: it runs there, and that is the answer', async () => {
      const { args, ended } = await interrupt(['pod', 'move', pod, away], 'source-did-journal-committed');
      expect(answer(args, ended)).toMatchObject({ pod, from: home, to: away });
      await requireAlive(alive.address, alive.born);
      await suite.zap.json('pod', 'move', pod, home);
    });

    test('twice leaves at once; the hosts bring it to an end alone', async () => {
      const { args, ended } = await interrupt(['pod', 'move', pod, away], 'source-frozen', { times: 2 });
      expect(failureOf(args, ended)).toMatchObject({ exitCode: 130, code: 'cancelled/left', message: 'Left at once; the hosts finish or undo alone what has begun.' });
      await requireAlive(alive.address, alive.born);
      await suite.requireGone(away, alive.record);
      await suite.zap.json('pod', 'move', pod, away);
      await requireAlive(alive.address, alive.born);
    });
  });
}
