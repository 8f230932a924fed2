/** What the doctor finds, and mends. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
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

    test('finds a host fit, alone and beside others', async () => {
      await enrol('alpha', 'beta');
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

    test('installs a missing program after showing the command', async () => {
      // The lab's hosts have no way to a package mirror: what apt-get is asked for is what counts.
      using apt = suite.fakeProgram('beta', 'apt-get', '#!/bin/sh\necho "$DEBIAN_FRONTEND $*" >>/run/apt-calls\n[ "$1" = update ] || mv /usr/sbin/nft.away /usr/sbin/nft\n');
      expect(apt.path).toContain('apt-get');
      await suite.lab.exec('beta', ['mv', '/usr/sbin/nft', '/usr/sbin/nft.away']);
      const before = await suite.zap.json<Diagnosis>('host', 'doctor', 'beta', '--alone');
      expect(before.findings).toMatchObject(expect.arrayContaining([expect.objectContaining({ id: 'program-missing', severity: 'warning', message: expect.stringContaining('"nft"') })]));
      expect(await suite.zap.failure('host', 'doctor', 'beta', '--alone', '--fix')).toMatchObject({ code: 'usage/unconfirmed' });
      const shown = await suite.zap.run(['host', 'doctor', 'beta', '--alone', '--fix', '--yes']);
      expect(shown.stderr).toContain('apt-get update && env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends nftables');
      expect(shown.stdout.toString()).toContain('Installed: nftables.');
      expect(shown.stdout.toString()).toContain('beta is fit for PODs.');
      expect(readFileSync(join(suite.lab.rootOf('beta'), 'run/apt-calls'), 'utf8')).toBe(' update\nnoninteractive install -y --no-install-recommends nftables\n');
      await forget('alpha', 'beta');
    });
  });
}
