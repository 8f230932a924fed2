import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { secretIds, SessionKeyring } from './keyring';
import { Secret } from './secret';

describe('Secret', () => {
  it('shows itself to nobody who does not ask', () => {
    const secret = new Secret('hunter2');
    for (const text of [String(secret), JSON.stringify({ secret }), inspect({ secret }), inspect(secret, { showHidden: true }), Object.values(secret).join(',')]) expect(text).not.toContain('hunter2');
    expect(secret.reveal()).toBe('hunter2');
  });
});

describe('SessionKeyring', () => {
  it('remembers and forgets', async () => {
    const keyring = new SessionKeyring();
    const id = secretIds.password('zap', 'alpha', 22);
    expect(await keyring.get(id)).toBeUndefined();
    await keyring.set(id, new Secret('x'));
    expect((await keyring.get(id))?.reveal()).toBe('x');
    expect(await keyring.get(secretIds.password('zap', 'alpha', 2222))).toBeUndefined();
    await keyring.forget(id);
    expect(await keyring.get(id)).toBeUndefined();
  });
});
