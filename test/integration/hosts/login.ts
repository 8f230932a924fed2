/** Ways in, through OpenSSH's own server. */
import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { SessionKeyring } from '../../../main/secrets/keyring';
import { capture } from '../../../main/ssh/transport';
import { person } from '../../../main/ssh/server-fixture';
import { Inventory } from '../../../main/hosts/inventory';
import { openHost } from '../../../main/hosts/connect';
import { Terminal } from '../support/terminal';
import { passphrase, passwords, ports, type HostLab } from './host-lab';

export function logins(suite: HostLab): void {
  const whoAmI = async (...args: Parameters<HostLab['transport']>): Promise<string> => {
    const transport = await suite.transport(...args);
    try {
      return (await capture(transport, ['id', '-un'])).stdout.trim();
    } finally {
      transport.close();
    }
  };

  describe('logging in', () => {
    test('with a password', async () => {
      const prompter = person('wrong', passwords.pat);
      expect(await whoAmI(suite.target('alpha', { port: ports.password, user: 'pat' }), { prompter })).toBe('pat');
      expect(prompter.questions).toHaveLength(2);
    });

    test('with a key that has a passphrase', async () => {
      const keyring = new SessionKeyring();
      const target = suite.target('alpha', { identityFiles: [suite.lockedKey] });
      expect(await whoAmI(target, { prompter: person(passphrase), keyring })).toBe('zap');
      expect(await whoAmI(target, { keyring })).toBe('zap');
    });

    test('with a key and then a password', async () => {
      expect(await whoAmI(suite.target('alpha', { port: ports.keyThenPassword, user: 'pat' }), { prompter: person(passwords.pat) })).toBe('pat');
      expect(await whoAmI(suite.target('alpha', { port: ports.keyThenPassword, user: 'pat', identityFiles: [suite.lockedKey] }), { prompter: person(passphrase, passwords.pat) })).toBe('pat');
    });

    test('by answering questions', async () => {
      const prompter = person(passwords.pat);
      expect(await whoAmI(suite.target('alpha', { port: ports.questions, user: 'pat' }), { prompter })).toBe('pat');
      expect(prompter.questions[0]).toMatch(/alpha: .*Password:/);
    });

    test('is refused to strangers, and OpenSSH\'s patience ends', async () => {
      await expect(whoAmI(suite.target('alpha', { user: 'nobody-here' }))).rejects.toMatchObject({ code: 'host/auth-failed' });
      await expect(whoAmI(suite.target('alpha', { port: ports.password, user: 'pat' }), { prompter: person('a', 'b', 'c', 'd') })).rejects.toMatchObject({ code: 'host/auth-failed' });
      await expect(whoAmI(suite.target('alpha', { port: ports.password, user: 'pat' }))).rejects.toMatchObject({ code: 'host/auth-needs-answer' });
    });

    test('to a port where nobody listens, to a host that does not answer', async () => {
      await expect(whoAmI(suite.target('alpha', { port: 9 }))).rejects.toMatchObject({ code: 'host/refused' });
      await suite.lab.cutLink('alpha');
      try {
        await expect(whoAmI(suite.target('alpha'), { connectTimeoutMs: 700 })).rejects.toMatchObject({ code: 'host/timeout' });
      } finally {
        await suite.lab.joinLink('alpha');
      }
    });
  });

  test('a shell on a host and on this computer, from the command', async () => {
    await suite.zap.json('host', 'add', 'alpha', `zap@${suite.address('alpha')}`, '--identity', suite.key, '--accept-key', suite.fingerprintOf('alpha'));
    for (const [host, name] of [['alpha', 'alpha'], ['local', hostname()]] as const) {
      using terminal = Terminal.run(suite.zap, ['host', 'shell', host], { columns: 91, rows: 21 });
      await terminal.shows(/[$#] $/);
      terminal.type('echo "$(hostname): $(stty size)"\r');
      await terminal.shows(new RegExp(`^${name}: 21 91\r$`, 'm'));
      terminal.resize({ columns: 72, rows: 12 });
      await delay(200); // the new size travels by itself
      terminal.type('stty size; exit 3\r');
      await terminal.shows(/^12 72\r$/m);
      expect(await terminal.exitCode()).toBe(3);
    }
    await suite.zap.json('host', 'remove', 'alpha');
  });

  test('a server that allows one stream says so', async () => {
    const transport = await suite.transport(suite.target('alpha', { port: ports.oneStream }));
    try {
      const first = await transport.exec(['cat']);
      await expect(transport.exec(['true'])).rejects.toMatchObject({ code: 'host/channel-refused', hint: expect.stringContaining('MaxSessions') });
      first.stdout.resume();
      first.stdin.end();
      expect(await first.exit).toBe(0);
    } finally {
      transport.close();
    }
  });

  describe('a host behind another', () => {
    test('is reached through it alone, by --jump and by SSH\'s configuration', async () => {
      const gateway = suite.address('gamma').replace(/\d+$/, '254');
      await suite.lab.exec('gamma', ['nft', '-f', '-'], { input: `table inet suite { chain in { type filter hook input priority 0; ip saddr ${gateway} tcp dport 22 drop; }; }\n` });
      try {
        await expect(whoAmI(suite.target('gamma'), { connectTimeoutMs: 700 })).rejects.toMatchObject({ code: 'host/timeout' });
        const jumps = [suite.target('beta')];
        expect(await whoAmI(suite.target('gamma', { jumps }))).toBe('zap');

        writeFileSync(suite.sshConfig, `Host *\n  IdentityFile ${suite.key}\n  User zap\n  UserKnownHostsFile none\n  IdentityAgent none\nHost inner\n  HostName ${suite.address('gamma')}\n  ProxyJump outer\nHost outer\n  HostName ${suite.address('beta')}\n`);
        const added = await suite.zap.json('host', 'add', 'inner', '--accept-key', `${suite.fingerprintOf('beta')},${suite.fingerprintOf('gamma')}`);
        expect(added).toMatchObject({ host: { name: 'inner', address: suite.address('gamma'), jumps: [`zap@${suite.address('beta')}`] }, helper: { hostname: 'gamma' } });
        expect(await suite.zap.json('host', 'list')).toMatchObject({ available: ['outer'] });
        const transport = await openHost(await Inventory.open(suite.zap.home), 'inner', { acceptKey: suite.acceptKey });
        expect((await capture(transport, ['hostname'])).stdout).toBe('gamma\n');
        transport.close();
        await suite.zap.json('host', 'remove', 'inner');

        writeFileSync(suite.sshConfig, `Host inner\n  HostName ${suite.address('gamma')}\n  User zap\n  IdentityFile ${suite.key}\n  UserKnownHostsFile none\n  IdentityAgent none\n  ProxyCommand ssh -F none -i ${suite.key} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -W %h:%p zap@${suite.address('beta')}\n`);
        await suite.zap.json('host', 'add', 'inner', '--accept-key', suite.fingerprintOf('gamma'));
        expect(await suite.zap.json('host', 'show', 'inner')).toMatchObject({ facts: { hostname: 'gamma' } });
        await suite.zap.json('host', 'remove', 'inner');

        const blocked = suite.target('gamma', { jumps: [suite.target('beta', { port: ports.noForwarding })] });
        await expect(whoAmI(blocked)).rejects.toMatchObject({ code: 'host/channel-refused', message: expect.stringContaining('beta does not allow a connection') });
        await expect(whoAmI(suite.target('gamma', { jumps, hostKeyAlias: 'unheard-of' }), { acceptKey: async () => false })).rejects.toMatchObject({ code: 'host/key-unknown', message: expect.stringContaining('gamma') });
      } finally {
        await suite.lab.exec('gamma', ['nft', 'delete', 'table', 'inet', 'suite']);
        writeFileSync(suite.sshConfig, '');
      }
    });
  });
}
