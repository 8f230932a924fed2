/**
 * Moves that are broken off, at every moment and from every side.
 *
 * Whatever happened: exactly one live POD, the same life as before; nothing of it on the other host; and then the same move succeeds.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostView } from '../support/host-view';
import { forgetMoments, stopAt } from '../support/moment';
import type { HostName, Suite, TestPod } from '../support/suite';
import { until } from '../support/until';
import { ask, Download, requireAlive } from '../support/witness';
import { failureOf, type Running } from '../support/zap';

interface Scene {
  source: HostView;
  target: HostView;
  move: Running;
}

interface Trouble {
  what: string;
  /** Which cable is slow, so that the moment is long enough to be met. */
  slow?: { rateMbit: number };
  /** Seen from outside; or, where it is too short for that, what the helper of a side comes by, and stands still at until the strike. */
  moment: ((scene: Scene) => boolean | Promise<boolean>) | { side: 'source' | 'target'; did: string };
  strike: (scene: Scene) => unknown;
  /** Codes of which one must be told, and the host where the POD then is; without codes the command itself was killed. */
  codes?: string[];
  exitCode?: number;
  stays?: 'source' | 'target' | 'either';
}

const pod = 'troubled';
const layerBytes = 12 << 20;

/** Before anything is frozen: the first files are on their way. */
const filesLeave = ({ source, target }: Scene): boolean => source.journals().length > 0 && target.records().some(({ name }) => name === pod);
const isFreezing = ({ source }: Scene): boolean => source.processes(source.record(pod)?.uidBase ?? -1).some(({ isStopped }) => isStopped);
const targetHasAll = { side: 'target', did: 'say-restored' } as const;
const sourceHasCommitted = { side: 'source', did: 'journal-committed' } as const;

const cancelled = { codes: ['cancelled/by-user'], exitCode: 130 };
const slowFiles = { rateMbit: 30 };
const slowMemory = { rateMbit: 60 };

const troubles: Trouble[] = [
  { what: 'Ctrl-C while the hosts are being asked', moment: async ({ source }) => (await source.programs('zap-helper')).length > 0, strike: ({ move }) => move.child.kill('SIGINT'), ...cancelled },
  { what: 'Ctrl-C while files are copied', slow: slowFiles, moment: filesLeave, strike: ({ move }) => move.child.kill('SIGINT'), ...cancelled },
  { what: 'Ctrl-C while it is frozen', slow: slowMemory, moment: isFreezing, strike: ({ move }) => move.child.kill('SIGINT'), ...cancelled },
  { what: 'kill -9 of the command while files are copied', slow: slowFiles, moment: filesLeave, strike: ({ move }) => move.child.kill('SIGKILL'), stays: 'either' },
  { what: 'kill -9 of the command while it is frozen', slow: slowMemory, moment: isFreezing, strike: ({ move }) => move.child.kill('SIGKILL'), stays: 'either' },
  { what: 'kill -9 of the source’s helper while files are copied', slow: slowFiles, moment: filesLeave, strike: ({ source }) => source.kill('zap-helper'), codes: ['move/connection-lost'], exitCode: 9 },
  { what: 'kill -9 of the source’s helper while it is frozen', slow: slowMemory, moment: isFreezing, strike: ({ source }) => source.kill('zap-helper'), codes: ['move/connection-lost'], exitCode: 9 },
  { what: 'kill -9 of the target’s helper while files are copied', slow: slowFiles, moment: filesLeave, strike: ({ target }) => target.kill('zap-helper'), codes: ['move/connection-lost', 'move/channel-lost'], exitCode: 9 },
  { what: 'kill -9 of the target’s helper while it is frozen', slow: slowMemory, moment: isFreezing, strike: ({ target }) => target.kill('zap-helper'), codes: ['move/connection-lost', 'move/channel-lost'], exitCode: 9 },
  { what: 'kill -9 of CRIU on the target while it restores', moment: isFreezing, strike: async ({ target }) => until('CRIU on the target', async () => (await target.kill('criu')) > 0, { everyMs: 1 }), codes: ['criu/failed', 'criu/connection-lost', 'criu/died'], exitCode: 7 },
  // From here on either host may have it: what counts is that one of them does.
  { what: 'kill -9 of the source’s helper when the target has everything', moment: targetHasAll, strike: ({ source }) => source.kill('zap-helper'), stays: 'either' },
  { what: 'kill -9 of the target’s helper when it has everything', moment: targetHasAll, strike: ({ target }) => target.kill('zap-helper'), stays: 'either' },
  // Not earlier: while CRIU's own code runs in the POD's processes, they end with it.
  { what: 'kill -9 of CRIU on the source when the target has everything', moment: targetHasAll, strike: ({ source }) => source.kill('criu'), stays: 'either' },
  { what: 'kill -9 of the target’s helper when the source has given it away', moment: sourceHasCommitted, strike: ({ target }) => target.kill('zap-helper'), stays: 'target' },
  { what: 'kill -9 of the source’s helper when it has given it away', moment: sourceHasCommitted, strike: ({ source }) => source.kill('zap-helper'), stays: 'target' },
  { what: 'kill -9 of everything when the target has everything', moment: targetHasAll, strike: ({ source, target, move }) => Promise.all([source.kill('zap-helper'), target.kill('zap-helper'), Promise.resolve(move.child.kill('SIGKILL'))]), stays: 'either' },
];

export function troubledMoves(suite: Suite): void {
  describe('a move that is broken off', () => {
    let alive: TestPod;
    let host: HostName = 'alpha';

    beforeAll(async () => {
      alive = await suite.createAlive(pod);
      await ask(alive.address, 'write', '/home/user/bulk', String(layerBytes));
      await ask(alive.address, 'remember', String(8 << 20));
      await suite.zap.json('pod', 'move', pod, 'beta'); // the environment is everywhere
      await suite.zap.json('pod', 'move', pod, 'alpha');
    }, 120_000);
    afterAll(() => suite.delete(pod), 60_000);

    const sceneOf = (move: Running): Scene => ({ source: suite.view(host), target: suite.view(suite.other(host)), move });

    /** One live POD and never two, where it is said to be, and nothing anywhere else. Asking is also what lets the hosts tidy up. */
    const requireOneLife = async (): Promise<HostName> => {
      const where = await until('one live POD', async () => {
        const { pods } = await suite.zap.json<{ pods: { name: string; host: HostName; state: { kind: string } }[] }>('pod', 'list');
        const running = pods.filter(({ name, state }) => name === pod && state.kind === 'running');
        expect(running.length).toBeLessThan(2);
        return running[0]?.host;
      }, { withinMs: 60_000, everyMs: 500 });
      await requireAlive(alive.address, alive.born);
      // "settled" is no more than an answer kept for a source that may not have heard it.
      const journals = () => [suite.alpha, suite.beta].flatMap((view) => view.journals().filter(({ phase }) => phase !== 'settled').map(({ role, phase }) => `${view.name}: ${role} ${phase}`));
      const isOver = async (): Promise<boolean> => {
        if (journals().length > 0) await suite.zap.json('pod', 'list'); // what one helper was told, the next one may have to act on
        return journals().length === 0;
      };
      await until('the end of the transfer on both hosts', isOver, { withinMs: 40_000, everyMs: 1000 }).catch(() => {});
      expect(journals()).toEqual([]);
      await suite.requireGone(suite.other(where), alive.record);
      return where;
    };

    const retry = async (): Promise<void> => {
      await suite.zap.json('pod', 'move', pod, suite.other(host));
      host = suite.other(host);
      await requireAlive(alive.address, alive.born);
      await suite.requireGone(suite.other(host), alive.record);
    };

    test.each(troubles.map((trouble) => [trouble.what, trouble] as const))('%s', async (_what, { slow, moment, strike, codes, exitCode, stays = 'source' }) => {
      ({ host } = await suite.zap.json<{ host: HostName }>('pod', 'show', pod));
      await until('no helper of what was asked before', async () => (await Promise.all([suite.alpha, suite.beta].map((view) => view.programs('zap-helper')))).flat().length === 0, { withinMs: 30_000 });
      using download = await Download.start(alive.address, 2 ** 40, 200_000);
      const to = suite.other(host);
      if (slow) await suite.lab.setLink(to, slow);
      try {
        const args = ['pod', 'move', pod, to, '--json'];
        const stop = typeof moment === 'function' ? undefined : await stopAt(suite.view(moment.side === 'source' ? host : to), `${moment.side}-did-${moment.did}`);
        const move = suite.zap.start(args);
        const scene = sceneOf(move);
        await (typeof moment === 'function' ? until('the moment', () => moment(scene), { everyMs: 1 }) : stop!.reached());
        await strike(scene);
        stop?.goOn();
        if (slow) await suite.lab.clearLink(to);
        if (!codes) {
          await until('its end', () => move.child.exitCode !== null || move.child.signalCode !== null, { withinMs: 5000 }).catch(() => move.child.kill('SIGKILL')); // the person does not wait longer
          await move.ended;
        } else {
          const failure = failureOf(args, await move.ended);
          expect({ exitCode: failure.exitCode, code: failure.code }).toEqual({ exitCode, code: expect.toBeOneOf(codes) as string });
          if (slow) expect(failure.message).toContain(`"${pod}" runs on ${host}`); // before the move began nobody knows more than that it was cancelled
        }
      } finally {
        await suite.lab.clearLink(to);
        for (const view of [suite.alpha, suite.beta]) forgetMoments(view);
      }
      const where = await requireOneLife();
      await until('the helpers to come to their end', async () => (await Promise.all([suite.alpha, suite.beta].map((view) => view.programs('zap-helper')))).flat().length === 0, { withinMs: 30_000 });
      expect(stays === 'either' ? [host, to] : [stays === 'source' ? host : to]).toContain(where);
      host = where;
      await download.goesOn();
      await retry();
      await download.goesOn();
    }, 120_000);
  });
}
