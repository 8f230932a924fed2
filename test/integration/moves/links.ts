/** What goes over the cable between two hosts: less where it is slow, and no more than was allowed. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MoveReport } from '../../../main/moves/coordinator';
import type { HostName, Suite, TestPod } from '../support/suite';
import { requireAlive } from '../support/witness';

const pod = 'packed';
const textBytes = 24 << 20;
const noiseBytes = 12 << 20;

export function links(suite: Suite): void {
  describe('the link between two hosts', () => {
    let alive: TestPod;
    let at: HostName = 'alpha';

    const move = async (...options: string[]): Promise<MoveReport> => {
      const to: HostName = at === 'alpha' ? 'beta' : 'alpha';
      const report = await suite.zap.json<MoveReport>('pod', 'move', pod, to, ...options);
      at = to;
      await requireAlive(alive.address, alive.born);
      return report;
    };

    beforeAll(async () => {
      alive = await suite.createAlive(pod, { host: at });
      await suite.zap.json('pod', 'exec', pod, '--', 'sh', '-c', `yes 'all work and no play' | head -c ${textBytes} >/home/user/text`);
      await move(); // the environment is everywhere
    }, 120_000);
    afterAll(() => suite.delete(pod), 60_000);

    test('what can be packed is packed on a slow link', async () => {
      const to: HostName = at === 'alpha' ? 'beta' : 'alpha';
      await suite.lab.setLink(to, { rateMbit: 100 });
      try {
        const slow = await move();
        expect(slow.bytes.layer).toBeGreaterThanOrEqual(textBytes);
        expect(slow.bytes.sent).toBeLessThan(textBytes / 2);
      } finally {
        await suite.lab.clearLink(to);
      }
      const text = await suite.zap.run(['pod', 'exec', pod, '--', 'sh', '-c', `yes 'all work and no play' | head -c ${textBytes} | cmp - /home/user/text && echo same`]);
      expect(text.stdout.toString()).toContain('same');
    }, 120_000);

    test('no more than the allowed rate is sent while the POD runs', async () => {
      await suite.zap.json('pod', 'exec', pod, '--', 'sh', '-c', `rm /home/user/text; head -c ${noiseBytes} /dev/urandom >/home/user/noise`);
      const report = await move('--bandwidth', '4M');
      const files = report.steps.find(({ name }) => name === 'files')!;
      expect(files.ms).toBeGreaterThan((noiseBytes / (4 << 20)) * 1000 * 0.9);
    }, 120_000);
  });
}
