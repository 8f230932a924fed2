import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { selfTest } from '../../../helper/preflight/doctor-selftest';
import { describeWithCriu } from '../criu-here';

const leftovers = (): string[] => [
  ...readdirSync(tmpdir()).filter((name) => /^zap-(?:probe-root|criu)-(?!here)/.test(name)),
  ...readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter((line) => line.includes('zap-probe-root-')),
];

describeWithCriu('the self-test of a host', (binary) => {
  it('takes a terminal, a TCP connection and two users through dump and restore, and leaves nothing', async () => {
    const before = leftovers();
    const findings = await selfTest(binary);
    expect(findings, JSON.stringify(findings)).toMatchObject([{ id: 'selftest', severity: 'note', message: expect.stringMatching(/^A probe with a terminal, a TCP connection and two users was dumped/) }]);
    expect(leftovers().filter((found) => !before.includes(found))).toEqual([]);
  });

  it('tells a CRIU that does not work', async () => {
    expect(await selfTest('/bin/false')).toMatchObject([{ id: 'selftest', severity: 'blocker', message: expect.stringContaining('cannot be dumped and restored') }]);
  });
});
