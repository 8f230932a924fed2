/** Two hosts whose processors differ: a POD goes wherever its own programs find what they use. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ensureEnvironment } from '../support/environment';
import type { HostLab } from './host-lab';

interface Plan {
  canMove: boolean;
  findings: { id: string; severity: string; message: string; data?: { missing?: string[]; programs?: string[] } }[];
}

export function processors(suite: HostLab): void {
  describe('a host with a lesser processor', () => {
    const here = new Set((/^flags\s*: (.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '').split(' '));
    /** For cryptography alone; the C library has code for the other. */
    const unused = ['sha_ni', 'gfni', 'adx', 'aes', 'pclmulqdq'].find((flag) => here.has(flag))!;
    const used = 'ssse3';

    /** What the host says of its processor, without these. */
    const without = async (flags: string[]): Promise<void> => {
      const script = `umount -q /proc/cpuinfo; sed -E 's/ (${flags.join('|')})( |$)/ /g' /proc/cpuinfo >/run/cpuinfo; mount --bind /run/cpuinfo /proc/cpuinfo`;
      await suite.lab.exec('beta', ['sh', '-c', script]);
    };

    test('takes the PODs whose programs do not miss anything, and is told by name from the others', { timeout: 240_000 }, async () => {
      await ensureEnvironment(suite.zap, 'suite', join(import.meta.dirname, '../support/environment'));
      for (const name of ['alpha', 'beta']) await suite.zap.json('host', 'add', name, `zap@${suite.address(name)}`, '--identity', suite.key, '--accept-key', suite.fingerprintOf(name));
      await suite.zap.json('pod', 'create', 'rover', '--host', 'alpha', '--env', 'suite', '--network', 'none', '--', 'sleep', '1000');
      // A plan that forbids the move is an answer, with the exit code of one.
      const plan = async (): Promise<Plan> => JSON.parse((await suite.zap.run(['pod', 'move', 'rover', 'beta', '--dry-run', '--json'])).stdout.toString()) as Plan;
      try {
        await without([unused, used]);
        const blocked = await plan();
        expect(blocked.canMove).toBe(false);
        expect(blocked.findings.filter(({ severity }) => severity === 'blocker')).toMatchObject([{ id: 'cpu-features', message: expect.stringMatching(/^beta's CPU lacks ssse3, which \d+ programs of this POD use \(.*\bsleep\b.*\)\.$/), data: { missing: [used] } }]);
        expect(await suite.zap.failure('pod', 'move', 'rover', 'beta')).toMatchObject({ exitCode: 6, code: 'preflight/cpu-features', message: expect.stringContaining('programs of this POD use') });
        expect(await suite.zap.json('pod', 'show', 'rover')).toMatchObject({ host: 'alpha', pod: { state: { kind: 'running' } } });

        await without([unused]);
        expect((await plan()).findings).toMatchObject(expect.arrayContaining([expect.objectContaining({ id: 'cpu-features-unused', severity: 'note', message: `beta's CPU lacks ${unused}, which no program of this POD uses.` })]));
        expect(await suite.zap.json('pod', 'move', 'rover', 'beta')).toMatchObject({ from: 'alpha', to: 'beta', mode: 'live' });
        expect(await suite.zap.json('pod', 'move', 'rover', 'alpha')).toMatchObject({ from: 'beta', to: 'alpha' });
      } finally {
        await suite.lab.exec('beta', ['umount', '-q', '/proc/cpuinfo']).catch(() => {});
        await suite.zap.json('pod', 'delete', 'rover', '--yes');
        for (const name of ['alpha', 'beta']) await suite.zap.json('host', 'remove', name);
      }
    });
  });
}
