import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Secret } from './secret';
import { VaultKeyring, type Vault } from './vault-keyring';

let home: string;
const file = (): string => join(home, 'secrets.json');
/** Seals by turning the text round: enough to see what is sealed and what is not. */
const turned = (text: string): string => Array.from(text).reverse().join('');
const store: Vault = { canKeep: true, seal: async (text) => turned(text), open: async (sealed) => turned(sealed) };
const none: Vault = { canKeep: false, seal: async () => undefined, open: async () => undefined };

beforeEach(() => (home = mkdtempSync(join(tmpdir(), 'zap-secrets-'))));
afterEach(() => rmSync(home, { recursive: true, force: true }));

describe('VaultKeyring', () => {
  it('keeps sealed what it was asked to keep, for its owner only', async () => {
    await new VaultKeyring(home, store, () => true).set('password a', new Secret('hunter2'));
    expect(readFileSync(file(), 'utf8')).toContain('2retnuh');
    expect(readFileSync(file(), 'utf8')).not.toContain('hunter2');
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    const later = new VaultKeyring(home, store, () => true);
    expect((await later.get('password a'))?.reveal()).toBe('hunter2');
    await later.forget('password a');
    expect(await later.get('password a')).toBeUndefined();
    expect(await new VaultKeyring(home, store, () => true).get('password a')).toBeUndefined();
  });

  it.each([
    ['the person did not ask for it', store, false],
    ['the system has no store worth the name', none, true],
    ['the store does not take it', { ...store, seal: async () => undefined }, true],
  ])('writes nothing when %s', async (_why, vault, isWanted) => {
    const keyring = new VaultKeyring(home, vault, () => isWanted);
    await keyring.set('password a', new Secret('hunter2'));
    expect((await keyring.get('password a'))?.reveal()).toBe('hunter2');
    expect(existsSync(file())).toBe(false);
  });

  it('reads nothing that an earlier store has sealed', async () => {
    await new VaultKeyring(home, store, () => true).set('password a', new Secret('hunter2'));
    expect(await new VaultKeyring(home, none, () => true).get('password a')).toBeUndefined();
    expect(await new VaultKeyring(home, { ...store, open: async () => undefined }, () => true).get('password a')).toBeUndefined();
    writeFileSync(file(), 'nonsense');
    expect(await new VaultKeyring(home, store, () => true).get('password a')).toBeUndefined();
  });
});
