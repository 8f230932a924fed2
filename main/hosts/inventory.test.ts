import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { verifyHostKey } from '../ssh/known-hosts';
import { defaultZapHome, Inventory } from './inventory';

let home: string;
const alpha = { address: '10.0.0.1', port: 22, user: 'zap' };

beforeEach(() => (home = mkdtempSync(join(tmpdir(), 'zap-inventory-'))));
afterEach(() => rmSync(home, { recursive: true, force: true }));

describe('Inventory', () => {
  it('keeps hosts, for its owner only', async () => {
    const inventory = await Inventory.open(home);
    await inventory.add('beta', { ...alpha, lab: true });
    await inventory.add('alpha', alpha);
    const again = await Inventory.open(home);
    expect(again.names).toEqual(['alpha', 'beta']);
    expect(again.get('beta')).toEqual({ ...alpha, lab: true });
    expect(statSync(join(home, 'hosts.json')).mode & 0o777).toBe(0o600);
    await again.remove('alpha');
    expect((await Inventory.open(home)).names).toEqual(['beta']);
  });

  it('has this computer always, and does not let it go', async () => {
    const inventory = await Inventory.open(home);
    expect(inventory.has('local')).toBe(true);
    await expect(inventory.add('local', alpha)).rejects.toMatchObject({ code: 'host/name-taken' });
    await expect(inventory.remove('local')).rejects.toMatchObject({ code: 'host/is-local' });
  });

  it('tells an unknown host with the names that exist', async () => {
    const inventory = await Inventory.open(home);
    await inventory.add('alpha', alpha);
    expect(() => inventory.get('gamma')).toThrow(expect.objectContaining({ code: 'host/unknown', hint: expect.stringContaining('local, alpha') }));
  });

  it.each([
    ['no JSON', '{', 'host/inventory-invalid'],
    ['another shape', '{"version":1,"hosts":{"alpha":{"address":"x"}}}', 'host/inventory-invalid'],
    ['a strange name', '{"version":1,"hosts":{"../x":{"address":"x","port":22,"user":"u"}}}', 'host/inventory-invalid'],
    ['a newer version', '{"version":2}', 'host/inventory-too-new'],
  ])('refuses a file with %s', async (_name, text, code) => {
    writeFileSync(join(home, 'hosts.json'), text);
    await expect(Inventory.open(home)).rejects.toMatchObject({ code });
  });

  it('remembers a key that was accepted, once', async () => {
    const inventory = await Inventory.open(home);
    writeFileSync(join(home, 'known_hosts'), '# mine');
    const key = Buffer.concat([Buffer.from([0, 0, 0, 11]), Buffer.from('ssh-ed25519'), Buffer.alloc(36, 7)]);
    const target = { name: 'alpha', address: '10.0.0.1', port: 2222, user: 'zap' };
    await inventory.trust(target, key);
    await inventory.trust(target, key);
    const lines = readFileSync(join(home, 'known_hosts'), 'utf8').trim().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(/^\[10\.0\.0\.1\]:2222 ssh-ed25519 /);
    expect(verifyHostKey(await inventory.knownHosts(), { address: '10.0.0.1', port: 2222 }, key).kind).toBe('trusted');
  });

  it('follows names of SSH\'s configuration, and jumps through its own hosts and through those', async () => {
    const sshConfigFile = join(home, 'ssh_config');
    writeFileSync(sshConfigFile, 'Host work\n  HostName 10.9.0.1\n  User me\n  Port 2200\n  ProxyJump gate\nHost gate\n  HostName 10.9.0.2\n  User guard\nHost *.example.org\n  User x\n');
    const inventory = await Inventory.open(home, { sshConfigFile });
    expect(await inventory.sshAliases()).toEqual(['gate', 'work']);
    await inventory.add('office', { alias: 'work', identityFile: '/k' });
    expect(await inventory.target('office')).toMatchObject({ name: 'office', address: '10.9.0.1', user: 'me', port: 2200, identityFile: '/k', jumps: [{ name: 'gate', address: '10.9.0.2', user: 'guard' }] });
    await inventory.add('inner', { ...alpha, jump: 'office,root@10.9.0.3:99' });
    const { jumps } = await (await Inventory.open(home, { sshConfigFile })).target('inner');
    expect(jumps?.map(({ user, address, port }) => `${user}@${address}:${port}`)).toEqual(['guard@10.9.0.2:22', 'me@10.9.0.1:2200', 'root@10.9.0.3:99']);
    await inventory.add('a', { ...alpha, jump: 'b' });
    await inventory.add('b', { ...alpha, jump: 'a' });
    await expect(inventory.target('a')).rejects.toMatchObject({ code: 'host/too-many-jumps', message: expect.stringContaining('through b and a') });
    await expect(inventory.resolve('loop', { ...alpha, jump: 'loop' })).rejects.toMatchObject({ code: 'host/too-many-jumps' });
  });

  it('lies where it is told to', () => {
    expect(defaultZapHome({ ZAP_HOME: '/z' })).toBe('/z');
    expect(defaultZapHome({ XDG_CONFIG_HOME: '/c' })).toBe('/c/zap');
  });
});
