/** Large PODs, whose writes the kernel tracks while their memory is sent ahead: nothing that they write is lost on the way, and they notice nothing. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { MoveReport } from '../../../main/moves/coordinator';
import { forgetMoments, stopAt } from '../support/moment';
import type { HostName, Suite } from '../support/suite';
import { until } from '../support/until';

const pod = 'tracked';
const program = readFileSync(join(import.meta.dirname, 'scribble.py'), 'utf8');
const pages = 18_000;
const control = '/home/user/control';
const pageBytes = 4096;

export function trackedMoves(suite: Suite): void {
  describe('a POD whose writes are tracked', () => {
    const read = async (name: string): Promise<string> => (await suite.exec(pod, 'sh', '-c', `cat ${control}/${name} 2>/dev/null || true`)).stdout.trim();
    const files = async (pattern: string): Promise<string> => (await suite.exec(pod, 'sh', '-c', `cd ${control} && for file in ${pattern}; do [ ! -e "$file" ] || { echo "$file"; cat "$file"; echo; }; done`)).stdout.trim();
    const allWork = async (): Promise<void> => {
      await suite.exec(pod, 'sh', '-c', `rm -f ${control}/*.done`);
      for (const name of ['parent0', 'parent1', 'child0', 'child1']) await until(`work of ${name}`, async () => (await read(`${name}.done`)) !== '');
    };
    const kill = async (host: HostName, verb: string): Promise<void> => {
      const pids = (await suite.view(host).programs('zap-helper')).filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0')[1] === verb);
      expect(pids.length).toBeGreaterThan(0);
      for (const pid of pids) process.kill(pid, 'SIGKILL');
    };
    const move = (to: HostName): Promise<MoveReport> => suite.zap.json<MoveReport>('pod', 'move', pod, to);

    beforeAll(async () => {
      await suite.create(pod, { host: 'alpha', options: ['--network', 'none'], command: ['python3', '-c', program, String(pages), control] });
      await allWork();
    }, 120_000);
    afterEach(() => {
      for (const host of ['alpha', 'beta'] as const) forgetMoments(suite.view(host));
    });
    afterAll(() => suite.delete(pod), 60_000);

    test('keeps every byte, however it is written, and only what was written is looked at in the freeze', async () => {
      for (const to of ['beta', 'alpha'] as const) {
        const { tracking, bytes } = await move(to);
        expect(tracking!.processes).toBeGreaterThanOrEqual(2); // a child that is there for a moment may be one more
        expect(bytes.memory).toBeGreaterThan(2 * pages * pageBytes);
        expect(tracking!.comparedBytes).toBeLessThan(bytes.memory / 2);
        await allWork();
      }
    }, 120_000);

    test('goes on unharmed when the helper is killed while a thread of it has foreign registers', async () => {
      const { host } = await suite.zap.json<{ host: HostName }>('pod', 'show', pod);
      const moment = await stopAt(suite.view(host), 'tracker-foreign-registers');
      const moving = suite.zap.start(['pod', 'move', pod, suite.other(host), '--json']);
      await moment.reached();
      await kill(host, 'serve');
      await delay(100);
      moment.goOn();
      await moving.ended;
      await until('no helper', async () => (await suite.view(host).programs('zap-helper')).length === 0, { withinMs: 30_000 });
      const { tracking } = await move(suite.other(host));
      expect(tracking!.processes).toBeGreaterThanOrEqual(2);
      await allWork();
    }, 120_000);

    test('is compared as ever when the program that keeps track is killed', async () => {
      const { host } = await suite.zap.json<{ host: HostName }>('pod', 'show', pod);
      const moment = await stopAt(suite.view(host), 'source-memory-again');
      const moving = suite.zap.start(['pod', 'move', pod, suite.other(host), '--json']);
      await moment.reached();
      await kill(host, 'track-writes');
      moment.goOn();
      const { tracking, bytes } = JSON.parse((await moving.ended).stdout.toString()) as MoveReport;
      expect(tracking!.processes).toBe(0);
      expect(tracking!.left.filter((why) => why.includes('The program that does it has ended.')).length).toBeGreaterThanOrEqual(2);
      expect(tracking!.comparedBytes).toBeGreaterThan(bytes.memory / 2);
      await allWork();
    }, 120_000);

    test('goes on where it was when the move is given up in the freeze, and nothing is tracked any more', async () => {
      const { host } = await suite.zap.json<{ host: HostName }>('pod', 'show', pod);
      const moment = await stopAt(suite.view(host), 'source-dumped');
      const moving = suite.zap.start(['pod', 'move', pod, suite.other(host), '--json']);
      await moment.reached();
      moving.child.kill('SIGINT');
      await delay(100);
      moment.goOn();
      expect((await moving.ended).exitCode).toBe(130);
      await allWork();
      await until('no helper', async () => (await suite.view(host).programs('zap-helper')).length === 0, { withinMs: 30_000 });
      const { uidBase } = suite.view(host).record(pod)!;
      for (const { pid } of suite.view(host).processes(uidBase)) expect(readFileSync(suite.view(host).path('proc', String(pid), 'smaps'), 'latin1')).not.toMatch(/^VmFlags:.* uw\b/m);
    }, 120_000);

    test('has in the end what it has written', async () => {
      expect(await files('*.failed')).toBe('');
      await suite.exec(pod, 'touch', `${control}/stop`);
      await until('its verdict', async () => (await read('over')) !== '', { withinMs: 30_000 });
      expect(await files('*.verdict')).toBe('child.verdict\n[] []\nparent.verdict\n[] []');
    }, 60_000);
  });
}
