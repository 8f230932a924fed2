/**
 * The key that this host signs checkpoints with: Ed25519, made when it is first needed, readable by root alone.
 *
 * It never leaves the host, and nobody else needs to know its public half: a checkpoint is only ever brought back by the host that signed it. One that moves
 * to another host comes over a channel that both ends have proved themselves on, is verified part by part on arrival, and signed anew.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign, verify, type KeyObject } from 'node:crypto';
import { linkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ZapError } from '../protocol/errors';
import { stateRoot } from '../pod/paths';
import { readFileIfThere, writeFileAtomic } from '../system/atomic-file';

export interface Signer {
  /** Hexadecimal, 32 bytes. */
  publicKey: string;
  sign(bytes: Buffer): string;
}

const rawPublicKeyBytes = 32;

export function hostSigner(path = join(stateRoot, 'host-key.pem')): Signer {
  let pem = readFileIfThere(path);
  if (pem === undefined) {
    makeKey(path);
    pem = readFileIfThere(path)!;
  }
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    throw new ZapError('checkpoint/host-key', `The key of this host in ${path} cannot be read.`, { hint: 'Bring it back from a backup: without it the checkpoints on this host cannot be verified.', cause });
  }
  return { publicKey: publicKeyOf(key), sign: (bytes) => sign(null, bytes, key).toString('hex') };
}

/** Of two helpers that make one at once, the first counts. */
function makeKey(path: string): void {
  const mine = `${path}.${randomBytes(6).toString('hex')}.new`;
  writeFileAtomic(mine, generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
  try {
    linkSync(mine, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(mine);
  }
}

function publicKeyOf(key: KeyObject): string {
  const encoded = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return encoded.subarray(encoded.length - rawPublicKeyBytes).toString('hex');
}

export function isSignedBy(publicKey: string, bytes: Buffer, signature: string): boolean {
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey, 'hex').toString('base64url') }, format: 'jwk' });
  return verify(null, bytes, key, Buffer.from(signature, 'hex'));
}
