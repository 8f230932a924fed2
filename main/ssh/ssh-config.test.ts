import { mkdtempSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hostAliases, lookUp, readSshConfig } from './ssh-config';
import { parseDestination, resolveTarget } from './resolve';
import { watchSshConfig } from './watch-config';

let directory: string;
let configFile: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'zap-ssh-config-'));
  configFile = join(directory, 'config');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function write(text: string, name = 'config'): void {
  writeFileSync(join(directory, name), text);
}

/** Both ways to read a configuration must say the same. */
const ways = [
  ['ssh -G', {}],
  ['the files', { sshProgram: '/nonexistent/ssh' }],
] as const;

describe('readSshConfig', () => {
  it('names hosts, not patterns, through includes', async () => {
    mkdirSync(join(directory, 'more.d'));
    write(`# mine\nHost alpha beta *.example.org !gamma\n  User zap\nInclude "${directory}/more.d/*.conf"\nInclude ${directory}/absent\nHost=delta\n`);
    write('Host epsilon alpha\n', 'more.d/a.conf');
    write('Host hidden\n', 'more.d/.b.conf');
    const config = await readSshConfig([configFile]);
    expect(hostAliases(config)).toEqual(['alpha', 'beta', 'delta', 'epsilon']);
    expect(config.files).toEqual([configFile, join(directory, 'more.d/a.conf'), join(directory, 'absent')]);
  });

  it('is not led in circles by a file that includes itself', async () => {
    write(`Include ${configFile}\nHost alpha\n`);
    expect(hostAliases(await readSshConfig([configFile]))).toEqual(['alpha']);
  });

  it('holds what an include inside a block says for that block only', async () => {
    write(`Host alpha\n  Include ${directory}/inner\nHost *\n  Port 2200\n`);
    write('User inner\n', 'inner');
    const config = await readSshConfig([configFile]);
    expect(lookUp(config, 'alpha').get('user')).toEqual(['inner']);
    expect(lookUp(config, 'beta').get('user')).toBeUndefined();
    expect(lookUp(config, 'beta').get('port')).toEqual(['2200']);
  });
});

describe.each(ways)('resolveTarget by %s', (_way, options) => {
  const resolve = (name: string) => resolveTarget(name, name, { ...options, configFile });

  it('takes the first value of each keyword, and all identity files', async () => {
    write('Host alpha\n  HostName 10.0.0.1\n  User zap\n  Port 2222\n  IdentityFile ~/.ssh/one\n  HostKeyAlias cluster\n  IdentitiesOnly yes\nHost a*\n  User other\n  IdentityFile /keys/two\nHost * !alpha\n  Port 9\n');
    expect(await resolve('alpha')).toMatchObject({ name: 'alpha', address: '10.0.0.1', user: 'zap', port: 2222, hostKeyAlias: 'cluster', identitiesOnly: true, identityFiles: [join(homedir(), '.ssh/one'), '/keys/two'] });
    expect((await resolve('beta')).port).toBe(9);
  });

  it('lets what was typed go before the configuration', async () => {
    write('Host alpha\n  HostName 10.0.0.1\n  User zap\n  Port 2222\n');
    expect(await resolve('me@alpha:23')).toMatchObject({ address: '10.0.0.1', user: 'me', port: 23 });
  });

  it('knows a name that the configuration does not', async () => {
    write('');
    expect(await resolve('example.org')).toMatchObject({ address: 'example.org', user: userInfo().username, port: 22 });
  });

  it('follows chains of jumps', async () => {
    write('Host inner\n  HostName 10.9.9.9\n  ProxyJump middle,me@10.0.0.3:2200\nHost middle\n  HostName 10.0.0.2\n  ProxyJump outer\nHost outer\n  HostName 10.0.0.1\n');
    const { jumps } = await resolve('inner');
    expect(jumps?.map(({ address, port }) => `${address}:${port}`)).toEqual(['10.0.0.1:22', '10.0.0.2:22', '10.0.0.3:2200']);
    expect(jumps?.[2]).toMatchObject({ user: 'me' });
  });

  it('ends at a circle of jumps', async () => {
    write('Host a\n  ProxyJump b\nHost b\n  ProxyJump a\n');
    await expect(resolve('a')).rejects.toMatchObject({ code: 'host/too-many-jumps' });
  });

  it('fills in the tokens of a ProxyCommand, and keeps the first hop\'s alone', async () => {
    write('Host alpha\n  HostName 10.0.0.1\n  User zap\n  Port 2200\n  ProxyCommand nc -X connect %h %p # %r@%n 100%%\nHost inner\n  HostName 10.0.0.9\n  ProxyJump alpha,beta\nHost beta\n  ProxyCommand nc %h %p\n');
    expect((await resolve('alpha')).proxyCommand).toMatch(/^nc -X connect 10\.0\.0\.1 2200/);
    const inner = await resolve('inner');
    expect(inner.proxyCommand).toBeUndefined();
    expect(inner.jumps?.map(({ proxyCommand }) => proxyCommand !== undefined)).toEqual([true, false]);
  });

  it.each([
    ['a token that is not one', 'Host alpha\n  ProxyCommand nc %q\n', 'alpha'],
    ['a name that a shell would take apart', 'Host *\n  ProxyCommand nc %h %p\n', 'a;reboot'],
    ['a connection that is handed over', 'Host alpha\n  ProxyCommand nc %h %p\n  ProxyUseFdpass yes\n', 'alpha'],
  ])('refuses a ProxyCommand with %s', async (_name, text, host) => {
    write(text);
    await expect(resolve(host)).rejects.toMatchObject({ code: expect.stringMatching(/^host\/(?:proxy-invalid|ssh-config-invalid)$/) });
  });
});

describe('resolveTarget', () => {
  it('knows Match through ssh', async () => {
    write('Match host alpha user zap\n  Port 2299\nHost alpha\n  HostName 10.0.0.1\n');
    expect(await resolveTarget('alpha', 'zap@alpha', { configFile })).toMatchObject({ port: 2299, address: '10.0.0.1' });
    expect(await resolveTarget('alpha', 'other@alpha', { configFile })).toMatchObject({ port: 22 });
  });

  it('tells what ssh does not like about its configuration', async () => {
    write('Nonsense yes\n');
    await expect(resolveTarget('alpha', 'alpha', { configFile })).rejects.toMatchObject({ code: 'host/ssh-config-invalid', message: expect.stringContaining('config') });
  });

  it.each(['-oProxyCommand=x', '-x@host', 'a b', '', 'host:0', 'host:99999'])('refuses "%s"', (text) => expect(() => parseDestination(text)).toThrow(/not an address/));
});

describe('watchSshConfig', () => {
  it('tells when a file is written, replaced or included anew', async () => {
    write('Host alpha\n');
    let changes = 0;
    let wake = (): void => {};
    const next = (): Promise<void> => new Promise((resolve) => (wake = resolve));
    using _watch = await watchSshConfig(() => {
      changes++;
      wake();
    }, [configFile]);
    let changed = next();
    write(`Host beta\nInclude ${directory}/more\n`);
    await changed;
    changed = next();
    write('Host gamma\n', 'new');
    renameSync(join(directory, 'new'), join(directory, 'more'));
    await changed;
    changed = next();
    write('Host delta\n', 'more');
    await changed;
    expect(changes).toBe(3);
    expect(hostAliases(await readSshConfig([configFile]))).toEqual(['beta', 'delta']);
  });
});
