/** A machine becomes a host, with all that may be in the way, and stops being one. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { installedPath } from '../../../main/helper-client/executable';
import { nobody } from '../../../main/prompts/prompter';
import { SessionKeyring } from '../../../main/secrets/keyring';
import { person } from '../../../main/ssh/server-fixture';
import { Terminal } from '../support/terminal';
import { passwords, ports, type HostLab } from './host-lab';

export function enrolment(suite: HostLab): void {
  const onHost = (host: string, script: string): Promise<string> => suite.lab.exec(host, ['sh', '-c', script]).then(({ stdout }) => stdout);
  const helperPath = (host: string): string => join(suite.lab.rootOf(host), installedPath(suite.executable));

  describe('enrolment', () => {
    test('asks about the key, brings the helper, and is undone without a trace', async () => {
      const where = `zap@${suite.address('alpha')}`;
      rmSync(join(suite.zap.home, 'known_hosts'), { force: true });
      const add = ['host', 'add', 'alpha', where, '--identity', suite.key];
      expect(await suite.zap.failure(...add)).toMatchObject({ code: 'host/key-unknown', hint: expect.stringContaining(suite.fingerprintOf('alpha')) });
      expect(await suite.zap.failure(...add, '--accept-key', suite.fingerprintOf('beta'))).toMatchObject({ code: 'host/key-mismatch' });
      expect(existsSync(join(suite.zap.home, 'known_hosts'))).toBe(false);

      using no = Terminal.run(suite.zap, add);
      await no.shows(/is not known yet:\r?\n +ssh-ed25519 SHA256:/);
      await no.shows(/Trust it\? \[y\/N\]/);
      no.type('\r');
      expect(await no.exitCode()).toBe(3);
      expect(await suite.zap.json('host', 'list')).toMatchObject({ hosts: [{ name: 'local' }] });

      using yes = Terminal.run(suite.zap, add);
      await yes.shows(/Trust it\? \[y\/N\]/);
      yes.type('yes\r');
      await yes.shows(/alpha is zap@.*Its helper runs/, 40_000);
      expect(await yes.exitCode()).toBe(0);
      expect(readFileSync(join(suite.zap.home, 'known_hosts'), 'utf8')).toContain(suite.address('alpha'));
      expect(await suite.zap.json('host', 'show', 'alpha')).toMatchObject({ facts: { hostname: 'alpha' } });

      expect(await suite.zap.json('host', 'upgrade', 'alpha')).toMatchObject({ isNew: false, removed: [], running: [] });
      expect(await suite.zap.failure('host', 'uninstall', 'alpha')).toMatchObject({ code: 'usage/unconfirmed' });
      await onHost('alpha', 'mkdir -p /var/lib/zap/pods/0123456789ab && echo \'  "name": "desk",\' >/var/lib/zap/pods/0123456789ab/pod.json');
      expect(await suite.zap.failure('host', 'uninstall', 'alpha', '--yes')).toMatchObject({ code: 'host/has-pods', message: expect.stringContaining('desk') });
      await onHost('alpha', 'rm -r /var/lib/zap/pods');
      await onHost('alpha', 'ip link add zap0 type bridge; nft add table ip zap; mkdir -p /run/zap/x');
      await onHost('alpha', 'mkdir -p /var/lib/zap/kept && mount -t tmpfs suite /var/lib/zap/kept');
      expect(await suite.zap.failure('host', 'uninstall', 'alpha', '--yes')).toMatchObject({ code: 'host/leftovers', message: expect.stringContaining('kept') });
      await onHost('alpha', 'umount /var/lib/zap/kept');
      expect(await suite.zap.json('host', 'uninstall', 'alpha', '--yes')).toEqual({ uninstalled: { name: 'alpha' } });
      expect(await readdir(join(suite.lab.rootOf('alpha'), 'var/lib/zap'))).toEqual([]);
      expect(await onHost('alpha', 'ls -d /run/zap /var/tmp/zap-* /sys/class/net/zap0 /sys/fs/cgroup/zap /run/cgroup-v1/*/zap 2>/dev/null; nft list tables; :')).toBe('');
      expect(await suite.zap.json('host', 'list')).toMatchObject({ hosts: [{ name: 'local' }] });
    });

    test('is blocked by another key than the known one, with file and line', async () => {
      const beta = readFileSync(join(suite.lab.host('beta').directory, 'ssh_host_ed25519_key.pub'), 'utf8').split(' ');
      const file = join(suite.zap.home, 'known_hosts');
      const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
      writeFileSync(file, `# changed\n${suite.address('gamma')} ${beta[0]} ${beta[1]}\n`);
      try {
        const failure = await suite.zap.failure('host', 'add', 'gamma', `zap@${suite.address('gamma')}`, '--identity', suite.key, '--accept-key', suite.fingerprintOf('gamma'));
        expect(failure).toMatchObject({ code: 'host/key-mismatch', hint: expect.stringContaining(`line 2 of ${file}`) });
      } finally {
        writeFileSync(file, before);
      }
    });
  });

  describe('the way to root', () => {
    test('is closed to a user without sudo', async () => {
      await expect(suite.helper(suite.target('alpha', { user: 'pat', port: ports.password, identityFiles: [] }), { prompter: person(passwords.pat, passwords.pat) })).rejects.toMatchObject({ code: 'host/sudo-refused' });
    });

    test('leads through sudo with a password, asked for once', async () => {
      const keyring = new SessionKeyring();
      const prompter = person(passwords.sue, 'wrong', passwords.sue);
      const target = suite.target('alpha', { user: 'sue', port: ports.password });
      const client = await suite.helper(target, { prompter, keyring });
      expect(client.hello.hostname).toBe('alpha');
      expect(prompter.questions).toEqual([expect.stringContaining('Password of sue@'), 'Password for sudo on alpha:', 'That is not it. Password for sudo on alpha:']);
      expect(await onHost('alpha', 'cat /proc/[0-9]*/cmdline | tr "\\0" " "')).not.toContain(passwords.sue);
      client.close();
      (await suite.helper(target, { prompter: nobody, keyring })).close();
      const stubborn = person(passwords.sue, 'a', 'b', 'c');
      await expect(suite.helper(target, { prompter: stubborn })).rejects.toMatchObject({ code: 'host/sudo-password-wrong' });
      await expect(suite.helper(target, { prompter: person(passwords.sue) })).rejects.toMatchObject({ code: 'host/sudo-refused' });
    });

    test('is found by root itself, and behind a shell that prints noise', async () => {
      for (const user of ['noisy']) {
        const client = await suite.helper(suite.target('alpha', { user }));
        expect(client.hello.hostname).toBe('alpha');
        client.close();
      }
    });
  });

  describe('the helper', () => {
    const isGone = (host: string): Promise<string> => onHost(host, 'umount -q /var/lib/zap/helper; rm -rf /var/lib/zap/helper');

    test('arrives where there is no SFTP', async () => {
      await isGone('beta');
      const client = await suite.helper(suite.target('beta', { port: ports.noSftp }));
      expect(client.hello.hostname).toBe('beta');
      client.close();
      expect(existsSync(helperPath('beta'))).toBe(true);
    });

    test.each([
      ['a directory that starts no programs', '-o noexec', 'host/noexec'],
      ['a read-only directory', '-o ro', 'host/read-only'],
      ['a directory without room', '-o size=10m', 'host/no-space'],
    ])('is told from %s', async (_name, options, code) => {
      await isGone('beta');
      await onHost('beta', `mkdir -p /var/lib/zap/helper && mount -t tmpfs ${options} suite /var/lib/zap/helper`);
      try {
        await expect(suite.helper(suite.target('beta'))).rejects.toMatchObject({ code });
        expect(await onHost('beta', 'ls /var/tmp')).toBe('');
      } finally {
        await isGone('beta');
      }
    });

    test('does not stay when it arrives damaged, or is for another machine', async () => {
      await isGone('beta');
      await expect(suite.helper(suite.target('beta'), { executable: { ...suite.executable, sha256: 'ab'.repeat(32) } })).rejects.toMatchObject({ code: 'host/helper-mismatch' });
      await expect(suite.helper(suite.target('beta'), { executable: { ...suite.executable, machine: 'aarch64' } })).rejects.toMatchObject({ code: 'host/wrong-architecture' });
      expect(existsSync(helperPath('beta'))).toBe(false);
      expect(await onHost('beta', 'ls -A /var/tmp')).toBe('');
    });

    test('is looked at before every start: another content is never run, and replaced', async () => {
      (await suite.helper(suite.target('beta'))).close();
      await onHost('beta', `exe=${installedPath(suite.executable)}; size=$(stat -c %s $exe); rm $exe; printf '#!/bin/sh\ntouch /run/foreign-helper\n' >$exe; truncate -s $size $exe; chmod 755 $exe`);
      const notes: string[] = [];
      const client = await suite.helper(suite.target('beta'), { onNote: (text) => notes.push(text) });
      expect(client.hello.hostname).toBe('beta');
      client.close();
      expect(notes).toContain('beta: the helper there is damaged; it is replaced');
      expect(await onHost('beta', `ls /run/foreign-helper 2>/dev/null; sha256sum <${installedPath(suite.executable)}`)).toBe(`${suite.executable.sha256}  -\n`);
    });

    test('of an older version is taken away by an upgrade, unless it still runs', async () => {
      const client = await suite.helper(suite.target('beta'));
      const own = helperPath('beta');
      await onHost('beta', `cd /var/lib/zap/helper && mkdir -p 1111111111111111 2222222222222222 && cp /bin/sleep 2222222222222222/zap-helper`);
      const running = suite.lab.exec('beta', ['/var/lib/zap/helper/2222222222222222/zap-helper', '60']).catch(() => {});
      await suite.zap.json('host', 'add', 'beta', `zap@${suite.address('beta')}`, '--identity', suite.key, '--accept-key', suite.fingerprintOf('beta'));
      expect(await suite.zap.json('host', 'upgrade', 'beta')).toMatchObject({ isNew: false, removed: ['1111111111111111'], running: ['2222222222222222'] });
      client.close();
      expect(await suite.zap.failure('host', 'uninstall', 'beta', '--yes')).toMatchObject({ code: 'host/helper-busy' });
      await onHost('beta', 'for exe in /proc/[0-9]*/exe; do case "$(readlink $exe)" in */2222222222222222/zap-helper) pid=${exe#/proc/}; kill "${pid%/exe}" ;; esac; done');
      await running;
      expect(await suite.zap.json('host', 'upgrade', 'beta')).toMatchObject({ removed: ['2222222222222222'], running: [] });
      expect(existsSync(own)).toBe(true);
      await suite.zap.json('host', 'remove', 'beta');
    });
  });
}
