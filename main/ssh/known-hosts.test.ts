import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fingerprint, formatKnownHost, knownKeyTypes, parseKnownHosts, verifyHostKey } from './known-hosts';

function blob(type: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(type.length);
  return Buffer.concat([length, Buffer.from(type), randomBytes(36)]);
}

function ed25519Blob(): Buffer {
  const raw = generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  return Buffer.concat([Buffer.from([0, 0, 0, 11]), Buffer.from('ssh-ed25519'), Buffer.from([0, 0, 0, 32]), raw]);
}

const key = blob('ssh-ed25519');
const other = blob('ssh-ed25519');
const line = (names: string, of: Buffer, type = 'ssh-ed25519'): string => `${names} ${type} ${of.toString('base64')} comment`;

describe('verifyHostKey', () => {
  const table: [name: string, text: string, address: string, port: number, verdict: string][] = [
    ['a plain name', line('alpha', key), 'alpha', 22, 'trusted'],
    ['upper case in the address', line('alpha', key), 'ALPHA', 22, 'trusted'],
    ['a list of names', line('a,alpha,10.0.0.1', key), '10.0.0.1', 22, 'trusted'],
    ['a port of its own', line('[alpha]:2222', key), 'alpha', 2222, 'trusted'],
    ['the same host at another port', line('alpha', key), 'alpha', 2222, 'unknown'],
    ['a pattern', line('10.0.?.*', key), '10.0.7.33', 22, 'trusted'],
    ['a pattern with an exception', line('10.0.*,!10.0.0.1', key), '10.0.0.1', 22, 'unknown'],
    ['a dot that is not a wildcard', line('a.pha*', key), 'alpha', 22, 'unknown'],
    ['another key of the same type', line('alpha', other), 'alpha', 22, 'mismatch'],
    ['the right key beside an old one', `${line('alpha', other)}\n${line('alpha', key)}`, 'alpha', 22, 'trusted'],
    ['a key of another type only', line('alpha', blob('ssh-rsa'), 'ssh-rsa'), 'alpha', 22, 'unknown'],
    ['a revoked key', `${line('alpha', key)}\n@revoked ${line('*', key)}`, 'alpha', 22, 'revoked'],
    ['an authority', `@cert-authority ${line('*', other)}`, 'alpha', 22, 'authority'],
    ['an authority beside the key itself', `@cert-authority ${line('*', other)}\n${line('alpha', key)}`, 'alpha', 22, 'trusted'],
    ['an authority for others', `@cert-authority ${line('*.example.org', other)}`, 'alpha', 22, 'unknown'],
    ['comments, blank and broken lines', `# c\n\nalpha\nalpha ssh-ed25519\n${line('alpha', key)}`, 'alpha', 22, 'trusted'],
    ['a broken hash', line('|1|x', key), 'alpha', 22, 'unknown'],
    ['nothing', '', 'alpha', 22, 'unknown'],
  ];
  it.each(table)('%s', (_name, text, address, port, verdict) => {
    expect(verifyHostKey(parseKnownHosts(text, 'f'), { address, port }, key).kind).toBe(verdict);
  });

  it('looks a host up by its alias, whatever its address and port', () => {
    const lines = parseKnownHosts(line('cluster', key), 'f');
    expect(verifyHostKey(lines, { address: '10.0.0.9', port: 2222, hostKeyAlias: 'Cluster' }, key).kind).toBe('trusted');
    expect(verifyHostKey(lines, { address: 'cluster', port: 22, hostKeyAlias: 'other' }, key).kind).toBe('unknown');
    expect(formatKnownHost({ address: '10.0.0.9', port: 2222, hostKeyAlias: 'cluster' }, key)).toMatch(/^cluster ssh-ed25519 /);
  });

  it('names the line that a different key contradicts', () => {
    const verdict = verifyHostKey(parseKnownHosts(`# first\n${line('alpha', other)}`, '/h/known_hosts'), { address: 'alpha', port: 22 }, key);
    expect(verdict).toEqual({ kind: 'mismatch', file: '/h/known_hosts', line: 2, knownFingerprint: fingerprint(other) });
  });

  it('reads what ssh-keygen -H hashes, and prints the fingerprint that ssh-keygen prints', () => {
    const directory = mkdtempSync(join(tmpdir(), 'zap-known-hosts-'));
    try {
      const real = ed25519Blob();
      const file = join(directory, 'known_hosts');
      writeFileSync(file, `${formatKnownHost({ address: '10.1.2.3', port: 2022 }, real)}\n`);
      expect(execFileSync('ssh-keygen', ['-l', '-f', file]).toString()).toContain(fingerprint(real));
      execFileSync('ssh-keygen', ['-H', '-f', file], { stdio: 'ignore' });
      const hashed = readFileSync(file, 'utf8');
      expect(hashed).toMatch(/^\|1\|/);
      const lines = parseKnownHosts(hashed, file);
      expect(verifyHostKey(lines, { address: '10.1.2.3', port: 2022 }, real)).toEqual({ kind: 'trusted' });
      expect(verifyHostKey(lines, { address: '10.1.2.4', port: 2022 }, real).kind).toBe('unknown');
      expect(knownKeyTypes(lines, { address: '10.1.2.3', port: 2022 })).toEqual(['ssh-ed25519']);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
