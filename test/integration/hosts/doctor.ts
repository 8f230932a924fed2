/** What the doctor finds, and mends. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withoutNft } from '../support/without-nft';
import type { HostLab } from './host-lab';

interface Diagnosis {
  isFit: boolean;
  findings: { id: string; severity: string; message: string; data?: Record<string, unknown> }[];
  installed?: string[];
}

export function doctor(suite: HostLab): void {
  describe('the doctor', () => {
    const enrol = async (...names: string[]): Promise<void> => {
      for (const name of names) await suite.zap.json('host', 'add', name, `zap@${suite.address(name)}`, '--identity', suite.key, '--accept-key', suite.fingerprintOf(name));
    };
    const forget = async (...names: string[]): Promise<void> => {
      for (const name of names) await suite.zap.json('host', 'remove', name);
    };

    beforeAll(() => enrol('alpha', 'beta'), 60_000);
    afterAll(() => forget('alpha', 'beta'));

    test('finds a host fit, alone and beside others', async () => {
      const { isFit, findings } = await suite.zap.json<Diagnosis>('host', 'doctor', 'alpha');
      expect(findings.filter(({ severity }) => severity !== 'note')).toEqual([]);
      expect(isFit).toBe(true);
      expect(findings.map(({ id }) => id)).toContain('selftest');
    });

    test('finds clocks that differ, and a firewall between the hosts', async () => {
      await suite.lab.skewClock('beta', 90);
      await suite.lab.exec('beta', ['nft', '-f', '-'], { input: `table inet suite { chain in { type filter hook input priority 0; ip saddr ${suite.address('alpha')} tcp flags & (syn | ack) == syn drop; }; }\n` });
      try {
        const { isFit, findings } = await suite.zap.json<Diagnosis>('host', 'doctor', 'alpha');
        const of = (id: string) => findings.filter((finding) => finding.id === id);
        expect(of('pair/clocks')).toMatchObject([{ severity: 'warning', message: expect.stringMatching(/clock of beta is (89|9[01])\.\d s ahead of that of alpha/) }]);
        expect(of('pair/unreachable')).toMatchObject([{ severity: 'warning', message: expect.stringContaining('alpha does not reach beta'), data: { from: 'alpha', to: 'beta' } }]);
        expect(isFit).toBe(true);
        // What shifts the clock is a library in every program of the host: no fault of its CRIU.
        expect(await suite.zap.json<Diagnosis>('host', 'doctor', 'beta', '--alone')).toMatchObject({ isFit: true, findings: expect.arrayContaining([expect.objectContaining({ id: 'selftest', severity: 'note' })]) });
      } finally {
        await suite.lab.skewClock('beta', 0);
        await suite.lab.exec('beta', ['nft', 'delete', 'table', 'inet', 'suite']);
      }
      const { findings } = await suite.zap.json<Diagnosis>('host', 'doctor', 'alpha');
      expect(findings.filter(({ id }) => id.startsWith('pair/'))).toEqual([]);
    });

    test('installs a missing program by the host\'s own apt, after showing the command', async () => {
      const onBeta = (script: string): Promise<string> => suite.lab.exec('beta', ['sh', '-c', script]).then(({ stdout }) => stdout);
      await onBeta(withoutNft);
      const before = await suite.zap.json<Diagnosis>('host', 'doctor', 'beta', '--alone');
      expect(before.findings).toMatchObject(expect.arrayContaining([expect.objectContaining({ id: 'program-missing', severity: 'warning', message: expect.stringContaining('"nft"') })]));
      expect(await suite.zap.failure('host', 'doctor', 'beta', '--alone', '--fix')).toMatchObject({ code: 'usage/unconfirmed' });
      expect(await onBeta('command -v nft || echo gone')).toBe('gone\n');

      expect(await suite.zap.failure('host', 'doctor', 'beta', '--alone', '--fix', '--yes')).toMatchObject({ code: 'host/fix-failed', message: expect.stringMatching(/apt-get install.*nftables" failed on beta .*(?:locate package|no installation candidate)/) });

      await onBeta('cd /srv/suite && cp index Packages');
      const shown = await suite.zap.run(['host', 'doctor', 'beta', '--alone', '--fix', '--yes']);
      expect(shown.stderr).toContain('apt-get update && env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends nftables');
      expect(shown.stdout.toString()).toContain('Installed: nftables.');
      expect(shown.stdout.toString()).toMatch(/^beta is fit for PODs: .*note/m);
      expect(await onBeta("dpkg-query -W -f '${Status} ${Version}' nftables; nft --version >/dev/null && echo ', and it runs'")).toBe('install ok installed 99, and it runs\n');
      await onBeta('mv /etc/apt/sources.list.away /etc/apt/sources.list');
    });
  });
}
