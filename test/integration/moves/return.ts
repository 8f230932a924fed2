/** Memory that a host keeps of a POD that has left: its return costs what has changed, and nobody can read what is kept. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { MoveReport } from '../../../main/moves/coordinator';
import type { HostName, Suite, TestPod } from '../support/suite';
import { ask, requireAlive } from '../support/witness';

const pod = 'returning';
const memoryBytes = 48 << 20;

export function returns(suite: Suite): void {
  describe('a POD that comes back', () => {
    let alive: TestPod;
    let away: MoveReport;
    const moveAndLeaveNothing = async (to: HostName, ...options: string[]): Promise<MoveReport> => {
      const report = await suite.zap.json<MoveReport>('pod', 'move', pod, to, ...options);
      await requireAlive(alive.address, alive.born);
      return report;
    };
    const move = (to: HostName): Promise<MoveReport> => moveAndLeaveNothing(to, '--keep-memory');
    const keptAt = (host: HostName): string => suite.view(host).path('var/lib/zap/kept', alive.record.id);

    beforeAll(async () => {
      alive = await suite.createAlive(pod, { host: 'alpha' });
      await ask(alive.address, 'remember', String(memoryBytes));
      await moveAndLeaveNothing('beta');
      await moveAndLeaveNothing('alpha');
    }, 120_000);
    beforeEach(async () => void (away = await move('beta')));
    afterAll(() => suite.delete(pod), 60_000);

    test('brings what has changed, time and again, and takes what is kept with it', async () => {
      expect(away.bytes.sent).toBeGreaterThan(memoryBytes);
      expect(existsSync(keptAt('alpha'))).toBe(true);
      expect(readFileSync(keptAt('alpha')).includes('usr/lib/suite/witness.py')).toBe(false); // its own arguments, somewhere in its memory
      for (const to of ['alpha', 'beta', 'alpha'] as const) {
        await ask(alive.address, 'remember', String(1 << 20));
        const report = await move(to);
        expect(report.bytes.memory).toBeGreaterThan(memoryBytes);
        expect(report.bytes.sent).toBeLessThan(0.3 * away.bytes.sent);
        expect(existsSync(keptAt(to))).toBe(false);
        expect(existsSync(keptAt(to === 'alpha' ? 'beta' : 'alpha'))).toBe(true);
      }
    }, 120_000);

    test('brings everything when what was kept was altered, or a part of it is missing', async () => {
      for (const harm of [(bytes: Buffer) => (bytes[bytes.length >> 1]! ^= 1, bytes), (bytes: Buffer) => bytes.subarray(0, bytes.length - 4096)]) {
        writeFileSync(keptAt('alpha'), harm(readFileSync(keptAt('alpha'))));
        expect((await move('alpha')).bytes.sent).toBeGreaterThan(memoryBytes);
        await move('beta');
      }
      await move('alpha');
    }, 120_000);

    test('leaves nothing unless it was told to', async () => {
      await move('alpha');
      await moveAndLeaveNothing('beta');
      for (const host of ['alpha', 'beta'] as const) expect(existsSync(keptAt(host))).toBe(false);
      expect((await move('alpha')).bytes.sent).toBeGreaterThan(memoryBytes);
    }, 120_000);
  });
}
