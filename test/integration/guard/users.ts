/** Two users of one host, each with a right to the helper through sudo and to nothing else. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Suite } from '../support/suite';
import { HelperOn, installedHelper } from './helper-on';

/** Starts a program, aborts it once it has said something, and tells by which signal it ended, and whether the kernel kept its memory. */
const crashAfterFirstWord = `
use File::Temp 'tempdir';
chdir tempdir(CLEANUP => 1);
pipe(my $in, my $hold); pipe(my $out, my $said);
my $pid = fork;
if (!$pid) { open STDIN, '<&', $in; open STDOUT, '>&', $said; close $hold; exec 'sh', '-c', 'ulimit -c unlimited; exec "$0" "$@"', @ARGV }
close $said; sysread($out, my $first, 1); kill ABRT => $pid; waitpid $pid, 0;
print $? & 127, $? & 128 ? ' core' : ' none'; chdir '/';
`;

export function users(suite: Suite): void {
  describe('two users of a host', () => {
    let root: HelperOn;
    let ada: HelperOn;
    let bob: HelperOn;
    const as = (user: string, before = ''): Promise<HelperOn> => HelperOn.start(suite, 'alpha', ['su', user, '-s', '/bin/sh', '-c', `${before} exec sudo -n ${installedHelper(suite, 'alpha')} serve`]);

    beforeAll(async () => {
      for (const user of ['ada', 'bob']) await suite.lab.exec('alpha', ['sh', '-c', `id ${user} 2>/dev/null || useradd --create-home ${user}; echo "${user} ALL=(root) NOPASSWD: /var/lib/zap/helper/*/zap-helper serve" >/etc/sudoers.d/${user}; chmod 440 /etc/sudoers.d/${user}`]);
      await suite.create('of-zap', { options: ['--network', 'none'], command: ['sleep', 'infinity'] }); // and the environment is there
      [root, ada, bob] = await Promise.all([HelperOn.start(suite, 'alpha'), as('ada'), as('bob', 'SUDO_USER=ada; SUDO_UID=0; export SUDO_USER SUDO_UID;')]);
      await ada.call('pod.create', { name: 'of-ada', environment: 'suite', network: { profile: 'none' }, limits: {}, command: ['sleep', 'infinity'] });
    }, 120_000);
    afterAll(async () => {
      for (const { name } of (await root.call('pod.list', {})).pods) if (name.startsWith('of-')) await root.call('pod.delete', { pod: name });
      await Promise.all([root, ada, bob].map((helper) => helper?.[Symbol.asyncDispose]()));
      await suite.lab.exec('alpha', ['sh', '-c', 'rm -f /etc/sudoers.d/ada /etc/sudoers.d/bob; userdel -r ada; userdel -r bob']).catch(() => {});
    }, 60_000);

    const names = async (helper: HelperOn): Promise<string[]> => (await helper.call('pod.list', {})).pods.map(({ name }) => name).filter((name) => name.startsWith('of-')).sort();
    const pod = 'of-ada';
    const touching: [string, (helper: HelperOn) => Promise<unknown>][] = [
      ['show', (helper) => helper.call('pod.show', { pod })],
      ['rename', (helper) => helper.call('pod.rename', { pod, name: 'of-bob' })],
      ['delete', (helper) => helper.call('pod.delete', { pod })],
      ['suspend', (helper) => helper.call('pod.suspend', { pod, seal: { key: '0'.repeat(64), wrapped: 'x' } })],
      ['resume', (helper) => helper.call('pod.resume', { pod, key: '0'.repeat(64) })],
      ['checkpoint', (helper) => helper.call('pod.checkpoint', { pod })],
      ['recover', (helper) => helper.call('pod.recover', { pod, decision: 'discard-here' })],
      ['exec', (helper) => helper.call('pod.exec', { pod, command: ['true'], detach: false })],
      ['attach', (helper) => helper.call('pod.attach', { pod, terminal: { columns: 80, rows: 24, term: 'dumb' } })],
      ['display', (helper) => helper.call('pod.display', { pod })],
      ['logs', (helper) => helper.call('pod.logs', { pod, lines: 1 })],
      ['share', (helper) => helper.call('pod.share', { pod, user: 'bob', isShared: true })],
      ['preflight', (helper) => helper.call('preflight.source', { pod, willRun: true })],
      ['move', (helper) => helper.call('transfer.send', { transfer: '0'.repeat(16), key: '0'.repeat(64), peer: { addresses: ['127.0.0.1'], port: 9 }, job: { kind: 'move', pod, resume: true } })],
      ['clone', (helper) => helper.call('transfer.send', { transfer: '0'.repeat(16), key: '0'.repeat(64), peer: { addresses: ['127.0.0.1'], port: 9 }, job: { kind: 'clone', pod, identity: { id: '0'.repeat(12), name: 'of-bob', mac: '02:00:00:00:00:01', network: { profile: 'none' } } } })],
    ];

    test('each sees their own PODs; root sees all. What sudo\'s caller puts into its environment changes nothing', async () => {
      expect(await names(ada)).toEqual(['of-ada']);
      expect(await names(bob)).toEqual([]);
      expect(await names(root)).toEqual(['of-ada', 'of-zap']);
      expect((await root.call('pod.show', { pod })).pod.owner).toBe('ada');
      expect((await suite.zap.json<{ pod: { owner: string } }>('pod', 'show', 'of-zap')).pod.owner).toBe('zap'); // who logs in to the lab's hosts
    });

    test.each(touching)('a POD of another does not exist for: %s', async (_what, touch) => {
      await expect(touch(bob)).rejects.toMatchObject({ code: 'pod/unknown' });
    });

    test('its owner may share it, which gives all but the right to share; and take that back', async () => {
      expect(await ada.call('pod.share', { pod, user: 'bob', isShared: true })).toEqual({ sharedWith: ['bob'] });
      expect(await names(bob)).toEqual(['of-ada']);
      expect(await bob.call('pod.exec', { pod, command: ['true'], detach: false })).toEqual({ exitCode: 0 });
      await expect(bob.call('pod.share', { pod, user: 'eve', isShared: true })).rejects.toMatchObject({ code: 'pod/not-owner' });
      expect(await root.call('pod.share', { pod, user: 'bob', isShared: false })).toEqual({ sharedWith: [] });
      expect(await names(bob)).toEqual([]);
      expect(await suite.zap.json('pod', 'share', 'of-zap', 'ada')).toMatchObject({ host: 'alpha', sharedWith: ['ada'] });
      expect(await names(ada)).toEqual(['of-ada', 'of-zap']);
      expect(await suite.zap.json('pod', 'share', 'of-zap', 'ada', '--revoke')).toMatchObject({ sharedWith: [] });
      expect(await names(ada)).toEqual(['of-ada']);
    });

    test('the helper has given up what it never needs, and keeps its files to itself', async () => {
      const status = ada.status(suite, 'alpha');
      const set = (name: string): bigint => BigInt(`0x${new RegExp(`^${name}:\\t([0-9a-f]+)`, 'm').exec(status)![1]!}`);
      for (const capability of [9, 16, 17, 20, 22, 25, 26, 32, 33, 34, 35, 36, 37]) for (const name of ['CapBnd', 'CapPrm', 'CapEff']) expect(set(name) >> BigInt(capability) & 1n, `${name} ${capability}`).toBe(0n);
      expect(status).toMatch(/^Umask:\t0077$/m);
    });

    test('the helper leaves no core dump when it crashes, where other programs do', async () => {
      const crashed = async (...program: string[]): Promise<string> => (await suite.lab.exec('alpha', ['perl', '-e', crashAfterFirstWord, ...program])).stdout;
      expect(await crashed('sh', '-c', 'echo up; exec sleep 60')).toBe('6 core');
      expect(await crashed(installedHelper(suite, 'alpha'), 'serve')).toBe('6 none');
    });
  });
}
