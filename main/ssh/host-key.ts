/** The key that a host presents: known, or to be decided by a person; whatever contradicts what is known ends the connection. */
import type { ServerHostKeyAlgorithm } from 'ssh2';
import { ZapError } from '../../helper/protocol/errors';
import { fingerprint, keyTypeOf, verifyHostKey, type KnownHostLine } from './known-hosts';
import { formatTarget, type SshTarget } from './target';

export interface UnknownKey {
  target: SshTarget;
  key: Buffer;
  keyType: string;
  fingerprint: string;
  /** Types of keys that are known for this host, when this is of another type. */
  otherTypes: string[];
}

/** Decides about a key that nobody has vouched for. Without one it is refused. */
export type AcceptKey = (unknown: UnknownKey) => Promise<boolean>;

/** Undefined when the key may be trusted, else why not. */
export async function refusalOf(lines: readonly KnownHostLine[], target: SshTarget, key: Buffer, accept?: AcceptKey): Promise<ZapError | undefined> {
  const verdict = verifyHostKey(lines, target, key);
  const [keyType, print] = [keyTypeOf(key), fingerprint(key)];
  const presented = `${keyType} ${print}`;
  const data = { fingerprint: print, keyType, address: target.address, port: target.port };
  switch (verdict.kind) {
    case 'trusted':
      return undefined;
    case 'unknown':
      if (await accept?.({ target, key, keyType, fingerprint: print, otherTypes: verdict.otherTypes })) return undefined;
      return new ZapError('host/key-unknown', `The key of ${target.name} (${target.address}) is not known yet. It presents ${presented}.`, {
        hint: `Compare it with the host's own key, then run \`zap host add ${target.name} ${formatTarget(target)} --accept-key ${print}\`.`,
        data,
      });
    case 'mismatch':
      return new ZapError('host/key-mismatch', `${target.name} (${target.address}) presents another key than the one known for it: ${presented} instead of ${verdict.knownFingerprint}.`, {
        hint: `Somebody may be between you and the host, or it was installed anew. If you know that the new key is right, remove line ${verdict.line} of ${verdict.file} first.`,
        data: { ...data, file: verdict.file, line: verdict.line },
      });
    case 'revoked':
      return new ZapError('host/key-revoked', `The key of ${target.name} (${presented}) is marked as revoked.`, { hint: `See line ${verdict.line} of ${verdict.file}.`, data: { ...data, file: verdict.file, line: verdict.line } });
    case 'authority':
      return new ZapError('host/key-by-authority', `${target.name} (${target.address}) is vouched for by a certificate authority, and Zap does not check host certificates. Its plain key, ${presented}, is not known.`, {
        hint: `Line ${verdict.line} of ${verdict.file} names the authority. Add the host's plain key beside it: \`ssh-keyscan\`, and compare.`,
        data: { ...data, file: verdict.file, line: verdict.line },
      });
  }
}

/** Of the known types first: a key of another type would look like an unknown host. */
export function hostKeyAlgorithms(keyTypes: readonly string[]): ServerHostKeyAlgorithm[] {
  const supported = new Set(['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521']);
  return keyTypes.flatMap((type) => (type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : supported.has(type) ? [type] : [])) as ServerHostKeyAlgorithm[];
}
