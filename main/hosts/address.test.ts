import { userInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { parseAddress } from './address';

describe('parseAddress', () => {
  it.each([
    ['zap@10.0.0.1', { user: 'zap', address: '10.0.0.1', port: 22 }],
    ['zap@example.org:2222', { user: 'zap', address: 'example.org', port: 2222 }],
    ['example.org', { user: userInfo().username, address: 'example.org', port: 22 }],
    ['zap@[fe80::1]:22', { user: 'zap', address: 'fe80::1', port: 22 }],
    ['zap@::1', { user: 'zap', address: '::1', port: 22 }],
  ])('%s', (text, expected) => expect(parseAddress(text)).toEqual(expected));

  it.each(['', '@', 'a b', 'zap@', 'zap@host:0', 'zap@host:99999', 'zap@-oProxyCommand=x', 'zap@host;reboot', 'zap@host:port', '-host'])('refuses "%s"', (text) => {
    expect(() => parseAddress(text)).toThrow(/not an address/);
  });
});
