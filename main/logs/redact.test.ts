import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redact } from './redact';

describe('redact', () => {
  it.each([
    ['password=hunter2 next', 'password=[secret] next'],
    ['"passphrase": "correct horse"', '"passphrase": [secret]'],
    ['token: abc', 'token: [secret]'],
    ['https://me:hunter2@example.org/x', 'https://[secret]@example.org/x'],
    [`key ${'ab'.repeat(32)} end`, 'key [64 hexadecimal digits] end'],
    [`sha256:${'ab'.repeat(32)}`, 'sha256:[digest]'],
    ['-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----', '[private key]'],
    ['-----BEGIN RSA PRIVATE KEY-----\ncut off', '[private key]'],
    ['SHA256:abcDEF of the host key', 'SHA256:abcDEF of the host key'],
    ['the password is asked for', 'the password is asked for'],
  ])('%s', (text, expected) => expect(redact(text)).toBe(expected));

  it('leaves the person out', () => {
    expect(redact('/home/erika/.ssh/id of erika, not of erikas', { home: '/home/erika', user: 'erika' })).toBe('~/.ssh/id of [user], not of erikas');
    expect(redact('root did it in /', { home: '/', user: 'root' })).toBe('root did it in /');
  });

  it('hides a password whatever stands around it', () => {
    fc.assert(fc.property(fc.string(), fc.stringMatching(/^[A-Za-z0-9]{12,20}$/), (before, secret) => !redact(`${before}\npassword=${secret} `).includes(`=${secret}`)));
  });
});
