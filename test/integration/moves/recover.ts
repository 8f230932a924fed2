/** PODs in doubt: a source is gone for good, and a person decides; and what the command says when its source is killed at the commit. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { forgetMoments, stopAt } from '../support/moment';
import type { HostName, Suite, TestPod } from '../support/suite';
import { until } from '../support/until';
import { isAnswering, requireAlive } from '../support/witness';
import { failureOf, type Running } from '../support/zap';

const pod = 'doubtful';
const from: HostName = 'alpha';
const to: HostName = 'beta';

interface Choices {
  host: string;
  reason: string;
  choices: { decision: string; effect: string; risk: string }[];
}

export function recovery(suite: Suite): void {
  describe('a POD in doubt', () => {
    let alive: TestPod;

    beforeAll(async () => {
      alive = await suite.createAlive(pod, { host: from });
      await suite.zap.json('pod', 'move', pod, to); // the environment is everywhere
      await suite.zap.json('pod', 'move', pod, from);
    }, 120_000);
    afterEach(() => forgetMoments(suite.view(from)));
    afterAll(() => suite.delete(pod), 60_000);

    /** Begins a move whose source stands still at this moment of the commit. */
    const moveTo = async (name: string): Promise<Running> => {
      const moment = await stopAt(suite.view(from), name);
      const move = suite.zap.start(['pod', 'move', pod, to, '--json']);
      await moment.reached();
      return move;
    };
    /** The target has everything, and its source is gone before it said what is to be. */
    const bringIntoDoubt = async (): Promise<Choices> => {
      const move = await moveTo('source-did-freeze');
      await suite.lab.killHost(from);
      move.child.kill('SIGKILL'); // the person does not wait
      await move.ended;
      const shown = await until('the doubt', async () => {
        const { stdout, exitCode } = await suite.zap.run(['pod', 'recover', pod, '--json']);
        return exitCode === 0 ? (JSON.parse(stdout.toString()) as Choices) : undefined;
      }, { withinMs: 60_000, everyMs: 500 });
      expect(await isAnswering(alive.address)).toBe(false);
      return shown;
    };

    test('is refused a decision while there is no doubt', async () => {
      for (const choice of [[], ['--run-here'], ['--discard-here']]) {
        expect(await suite.zap.failure('pod', 'recover', pod, ...choice)).toMatchObject({ code: 'pod/wrong-state', message: `"${pod}" is not in doubt: it is running on ${from}.` });
      }
      expect(await suite.zap.failure('pod', 'recover', pod, '--run-here', '--discard-here')).toMatchObject({ code: 'usage/bad-arguments' });
      await requireAlive(alive.address, alive.born);
    });

    test('the source’s helper is killed at the commit: the command ends by itself and says where the POD is', async () => {
      const move = await moveTo('source-did-journal-committed');
      await suite.view(from).kill('zap-helper');
      const failure = failureOf(['pod', 'move'], await move.ended);
      expect(failure).toMatchObject({ code: 'move/connection-lost', message: expect.stringContaining(`"${pod}" runs on ${to}.`) });
      forgetMoments(suite.view(from));
      await requireAlive(alive.address, alive.born);
      await suite.zap.json('pod', 'list');
      await suite.requireGone(from, alive.record);
      await suite.zap.json('pod', 'move', pod, from);
    }, 120_000);

    test('runs at the target when a person says so; the source that comes back gives its copy up', async () => {
      const { host, reason, choices } = await bringIntoDoubt();
      expect(host).toBe(to);
      expect(reason).toContain('has not said');
      expect(choices).toEqual([
        { decision: 'run-here', effect: expect.stringContaining('runs from now on'), risk: expect.stringContaining('it lives twice') },
        { decision: 'discard-here', effect: expect.stringContaining('removed'), risk: expect.stringContaining('it is lost') },
      ]);
      expect((await suite.zap.run(['pod', 'recover', pod])).stdout.toString()).toMatch(/--run-here\n.*\n {4}The risk: [^]*--discard-here\n.*\n {4}The risk: /);
      expect(await suite.zap.json('pod', 'recover', pod, '--run-here')).toMatchObject({ host: to, decision: 'run-here', pod: { state: { kind: 'running' } } });
      await requireAlive(alive.address, alive.born);
      await suite.lab.startHost(from);
      await until('one of it', async () => (await suite.zap.json<{ pods: { name: string; host: string }[] }>('pod', 'list')).pods.filter(({ name }) => name === pod).map(({ host: where }) => where).join() === to, { withinMs: 30_000, everyMs: 500 });
      await suite.requireGone(from, alive.record);
      await requireAlive(alive.address, alive.born);
      await suite.zap.json('pod', 'move', pod, from);
    }, 180_000);

    test('was let run at the target by a person who was wrong: the source, which had gone on, is stopped as soon as it is back', async () => {
      const moment = await stopAt(suite.view(to), 'target-did-journal-restored');
      const move = suite.zap.start(['pod', 'move', pod, to, '--json']);
      await moment.reached();
      await suite.lab.cutLink(from);
      try {
        move.child.kill('SIGKILL');
        await move.ended;
        moment.goOn();
        forgetMoments(suite.view(to));
        await until('the source to give up', () => suite.view(from).record(pod)?.state.kind === 'running', { withinMs: 40_000 });
        await until('the decision', async () => (await suite.zap.run(['pod', 'recover', pod, '--run-here'])).exitCode === 0, { withinMs: 120_000, everyMs: 500 });
        await requireAlive(alive.address, alive.born);
      } finally {
        await suite.lab.joinLink(from);
      }
      await until('the source to hear of it', async () => (await statesOf(suite)).join() === `in-doubt on ${from},running on ${to}`, { withinMs: 120_000, everyMs: 500 });
      expect(suite.view(from).processes(alive.record.uidBase).length).toBeGreaterThan(0);
      expect(readFileSync(suite.view(from).path(`sys/fs/cgroup/zap/${alive.record.id}/cgroup.freeze`), 'utf8')).toBe('1\n');
      await requireAlive(alive.address, alive.born);
      await until('the decision there', async () => (await suite.zap.run(['pod', 'recover', pod, '--discard-here', '--host', from])).exitCode === 0, { withinMs: 60_000, everyMs: 500 });
      await suite.requireGone(from, alive.record);
      await suite.zap.json('pod', 'move', pod, from);
    }, 420_000);

    test('is given up at the target when a person says so; what its source has left of it when it comes back is kept until it is given up there too', async () => {
      await bringIntoDoubt();
      expect(await suite.zap.json('pod', 'recover', pod, '--discard-here')).toMatchObject({ host: to, decision: 'discard-here', pod: null });
      await suite.requireGone(to, alive.record);
      rmSync(join(suite.zap.home, 'errands.json')); // the desktop that comes back is another one
      await suite.lab.startHost(from);
      await until('the source to say that it does not know', async () => {
        const { pods } = await suite.zap.json<{ pods: { name: string; host: string; state: { kind: string } }[] }>('pod', 'list');
        const mine = pods.filter(({ name }) => name === pod);
        return mine.length === 1 && mine[0]!.host === from && mine[0]!.state.kind === 'in-doubt';
      }, { withinMs: 30_000, everyMs: 500 });
      expect(existsSync(suite.view(from).path('var/lib/zap/pods', alive.record.id, 'layer'))).toBe(true);
      expect(await isAnswering(alive.address)).toBe(false);
      expect(await suite.zap.failure('pod', 'recover', pod, '--run-here')).toMatchObject({ code: 'pod/gone' });
      expect(await suite.zap.json('pod', 'recover', pod, '--discard-here')).toMatchObject({ host: from, decision: 'discard-here', pod: null });
      await suite.requireGone(from, alive.record);
    }, 180_000);

    test('is given up at the target, which the same desktop tells its source when that is back: its processes are lost, and its files are there', async () => {
      alive = await suite.createAlive(pod, { host: from });
      await bringIntoDoubt();
      await suite.zap.json('pod', 'recover', pod, '--discard-here');
      await suite.lab.startHost(from);
      await until('the source to hear of it', async () => (await statesOf(suite)).join() === `lost on ${from}`, { withinMs: 30_000, everyMs: 500 });
      expect(existsSync(suite.view(from).path('var/lib/zap/pods', alive.record.id, 'layer'))).toBe(true);
      expect(suite.view(from).journals()).toEqual([]);
      await suite.delete(pod);
    }, 180_000);

    test('is deleted where it went while its source was away: the source, when it is back, has nothing of it either', async () => {
      alive = await suite.createAlive(pod, { host: from });
      const move = await moveTo('source-did-say-commit');
      await until('that it runs there', () => suite.view(to).record(pod)?.state.kind === 'running', { withinMs: 30_000 });
      await suite.lab.cutLink(from);
      try {
        move.child.kill('SIGKILL');
        await move.ended;
        await suite.view(from).kill('zap-helper'); // what the target says is not heard
        forgetMoments(suite.view(from));
        await until('its deletion', async () => (await suite.zap.run(['pod', 'delete', pod, '--yes'])).exitCode === 0, { withinMs: 60_000, everyMs: 500 });
        await suite.requireGone(to, alive.record);
      } finally {
        await suite.lab.joinLink(from);
      }
      await until('the source to hear of it', async () => (await statesOf(suite)).length === 0, { withinMs: 60_000, everyMs: 500 });
      await suite.requireGone(from, alive.record);
    }, 180_000);
  });
}

async function statesOf(suite: Suite): Promise<string[]> {
  const { pods } = await suite.zap.json<{ pods: { name: string; host: string; state: { kind: string } }[] }>('pod', 'list');
  return pods.filter(({ name }) => name === pod).map(({ host, state }) => `${state.kind} on ${host}`);
}
