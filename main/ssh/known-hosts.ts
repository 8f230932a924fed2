/**
 * OpenSSH's known_hosts: is this the key that we know for this host?
 *
 * Plain names, `[host]:port`, patterns with `*`, `?` and `!`, hashed names (`|1|salt|hash`) and `@revoked` are understood, as sshd(8) describes them.
 * Certificates (`@cert-authority`) are not: a host that is only vouched for by one is told apart, so that nobody takes it for an unknown host.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

export interface KnownHostLine {
  file: string;
  line: number;
  marker?: '@revoked' | '@cert-authority';
  names: string;
  keyType: string;
  key: Buffer;
}

/** What a host is called in known_hosts: its address and port, or the name that HostKeyAlias gives it. */
export interface KnownAs {
  address: string;
  port: number;
  hostKeyAlias?: string | undefined;
}

export type Verdict =
  | { kind: 'trusted' }
  | { kind: 'unknown'; otherTypes: string[] }
  | { kind: 'mismatch'; file: string; line: number; knownFingerprint: string }
  | { kind: 'authority'; file: string; line: number }
  | { kind: 'revoked'; file: string; line: number };

export function parseKnownHosts(text: string, file: string): KnownHostLine[] {
  const lines: KnownHostLine[] = [];
  text.split('\n').forEach((raw, index) => {
    const fields = raw.trim().split(/\s+/);
    const marker = fields[0] === '@revoked' || fields[0] === '@cert-authority' ? (fields.shift() as KnownHostLine['marker']) : undefined;
    const [names, keyType, key] = fields;
    if (!names || names.startsWith('#') || !keyType || !key) return;
    lines.push({ file, line: index + 1, ...(marker ? { marker } : {}), names, keyType, key: Buffer.from(key, 'base64') });
  });
  return lines;
}

export function verifyHostKey(lines: readonly KnownHostLine[], host: KnownAs, key: Buffer): Verdict {
  const keyType = keyTypeOf(key);
  const ours = linesFor(lines, host);
  const revoked = ours.find((line) => line.marker === '@revoked' && line.key.equals(key));
  if (revoked) return { kind: 'revoked', file: revoked.file, line: revoked.line };
  const plain = ours.filter((line) => line.marker === undefined);
  if (plain.some((line) => line.key.equals(key))) return { kind: 'trusted' };
  const other = plain.find((line) => line.keyType === keyType);
  if (other) return { kind: 'mismatch', file: other.file, line: other.line, knownFingerprint: fingerprint(other.key) };
  const authority = ours.find((line) => line.marker === '@cert-authority');
  if (authority && plain.length === 0) return { kind: 'authority', file: authority.file, line: authority.line };
  return { kind: 'unknown', otherTypes: [...new Set(plain.map((line) => line.keyType))] };
}

/** Key types known for a host, so that the server is asked for those first: another type would look like an unknown host. */
export function knownKeyTypes(lines: readonly KnownHostLine[], host: KnownAs): string[] {
  return [...new Set(linesFor(lines, host).filter((line) => line.marker === undefined).map((line) => line.keyType))];
}

export function formatKnownHost(host: KnownAs, key: Buffer): string {
  return `${hostToken(host)} ${keyTypeOf(key)} ${key.toString('base64')}`;
}

/** `SHA256:…` as ssh-keygen -l prints it. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** The name at the start of a public key blob. */
export function keyTypeOf(key: Buffer): string {
  const length = key.length >= 4 ? key.readUInt32BE(0) : 0;
  return length > 0 && length <= 64 && key.length >= 4 + length ? key.subarray(4, 4 + length).toString('latin1') : 'unknown';
}

function linesFor(lines: readonly KnownHostLine[], host: KnownAs): KnownHostLine[] {
  const token = hostToken(host);
  return lines.filter((line) => matchesNames(line.names, token));
}

function hostToken({ address, port, hostKeyAlias }: KnownAs): string {
  if (hostKeyAlias !== undefined) return hostKeyAlias.toLowerCase();
  const lower = address.toLowerCase();
  return port === 22 ? lower : `[${lower}]:${port}`;
}

function matchesNames(names: string, token: string): boolean {
  if (names.startsWith('|')) return matchesHash(names, token);
  let isMatch = false;
  for (const pattern of names.toLowerCase().split(',')) {
    if (pattern.startsWith('!')) {
      if (matchesPattern(pattern.slice(1), token)) return false;
    } else if (matchesPattern(pattern, token)) isMatch = true;
  }
  return isMatch;
}

function matchesPattern(pattern: string, token: string): boolean {
  if (!/[*?]/.test(pattern)) return pattern === token;
  const expression = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\*+/g, '.*').replaceAll('?', '.');
  return new RegExp(`^${expression}$`).test(token);
}

function matchesHash(names: string, token: string): boolean {
  const [, version, salt, hash] = names.split('|');
  if (version !== '1' || !salt || !hash) return false;
  const expected = Buffer.from(hash, 'base64');
  const actual = createHmac('sha1', Buffer.from(salt, 'base64')).update(token).digest();
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}
