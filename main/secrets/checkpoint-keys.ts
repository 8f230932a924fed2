/**
 * Keys of suspended PODs.
 *
 * Each checkpoint has a key of its own. The host that keeps the checkpoint keeps that key only wrapped: in the owner's key, which lies in Zap's own directory
 * and is made at the first need, or in a passphrase. So whoever gets hold of a host's disk, or of a backup of it, reads nothing of what a POD knew.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes, scrypt } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ZapError } from '../../helper/protocol/errors';
import type { Seal } from '../../helper/protocol/model';
import { nobody, type Prompter } from '../prompts/prompter';
import { Secret } from './secret';

const hex = (bytes: number): z.ZodString => z.string().regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`));
const sealed = { version: z.literal(1), iv: hex(12), tag: hex(16), data: hex(32) };
const Wrapped = z.discriminatedUnion('by', [
  z.strictObject({ by: z.literal('key'), id: hex(8), ...sealed }),
  z.strictObject({ by: z.literal('passphrase'), salt: hex(16), ...sealed }),
]);
type Wrapped = z.infer<typeof Wrapped>;

/** About 0.4 s and 128 MiB for each guess. Fixed: what a host says must not make anybody's computer work for ever. */
const scryptCost = { N: 2 ** 17, r: 8, p: 1, maxmem: 256 << 20 };
const maxTries = 3;

export interface KeyOptions {
  /** In place of the owner's key. */
  passphrase?: Secret | undefined;
  signal?: AbortSignal | undefined;
}

export class CheckpointKeys {
  constructor(
    private readonly zapHome: string,
    private readonly prompter: Prompter = nobody,
  ) {}

  /** A new key for a checkpoint of this POD. */
  async seal(podId: string, { passphrase }: KeyOptions = {}): Promise<Seal> {
    const key = randomBytes(32);
    if (passphrase) {
      const salt = randomBytes(16);
      return { key: key.toString('hex'), wrapped: JSON.stringify({ by: 'passphrase', salt: salt.toString('hex'), ...wrap(key, await stretch(passphrase, salt), podId) }) };
    }
    const owners = await this.ownersKey();
    return { key: key.toString('hex'), wrapped: JSON.stringify({ by: 'key', id: keyId(owners), ...wrap(key, owners, podId) }) };
  }

  /** The key of a checkpoint, from what its host keeps of it. Asks for the passphrase where there is one. */
  async open(podId: string, wrapped: string, options: KeyOptions = {}): Promise<string> {
    const parsed = parse(wrapped);
    if (parsed.by === 'passphrase') return await this.openWithPassphrase(podId, parsed, options);
    const owners = await readKey(this.path);
    const key = owners && keyId(owners) === parsed.id ? unwrap(parsed, owners, podId) : undefined;
    if (!key) throw new ZapError('checkpoint/not-yours', 'The POD was suspended with another key than the one in Zap\'s directory here.', { hint: `Use the ZAP_HOME that it was suspended with, or copy its file "${keyFileName}" here.`, data: { file: this.path } });
    return key;
  }

  private async openWithPassphrase(podId: string, parsed: Extract<Wrapped, { by: 'passphrase' }>, { passphrase, signal }: KeyOptions): Promise<string> {
    const wrong = new ZapError('checkpoint/wrong-passphrase', 'This is not the passphrase that the POD was suspended with.');
    const salt = Buffer.from(parsed.salt, 'hex');
    const tryOne = async (secret: Secret): Promise<string | undefined> => unwrap(parsed, await stretch(secret, salt), podId);
    if (passphrase) {
      const key = await tryOne(passphrase);
      if (!key) throw wrong;
      return key;
    }
    if (!this.prompter.canAsk) throw new ZapError('checkpoint/passphrase-needed', 'The POD was suspended with a passphrase, and there is nobody to ask for it.', { hint: 'Give it with --passphrase-file FILE.' });
    for (let attempt = 0; attempt < maxTries; attempt++) {
      const typed = await this.prompter.secret({ question: `${attempt > 0 ? 'That is not it. ' : ''}Passphrase that the POD was suspended with:`, signal });
      if (typed === undefined) break;
      const key = await tryOne(new Secret(typed));
      if (key) return key;
    }
    throw wrong;
  }

  private get path(): string {
    return join(this.zapHome, keyFileName);
  }

  private async ownersKey(): Promise<Buffer> {
    const there = await readKey(this.path);
    if (there) return there;
    await mkdir(this.zapHome, { recursive: true, mode: 0o700 });
    const mine = `${this.path}.${randomBytes(6).toString('hex')}.new`;
    await writeFile(mine, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx' });
    // Of two that make one at once, the first counts.
    await link(mine, this.path)
      .catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      })
      .finally(() => rm(mine));
    return (await readKey(this.path))!;
  }
}

export const keyFileName = 'checkpoint-key';

async function readKey(path: string): Promise<Buffer | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  if (!/^[0-9a-f]{64}\n?$/.test(text)) throw new ZapError('checkpoint/key-file', `The file ${path} does not hold a key.`, { hint: 'Bring it back from a backup. Without it the PODs suspended with it cannot be resumed.' });
  return Buffer.from(text.trim(), 'hex');
}

function keyId(key: Buffer): string {
  return createHash('sha256').update('zap checkpoint owner').update(key).digest('hex').slice(0, 16);
}

function stretch(passphrase: Secret, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => scrypt(passphrase.reveal().normalize('NFC'), salt, 32, scryptCost, (error, key) => (error ? reject(error) : resolve(key))));
}

function wrap(key: Buffer, by: Buffer, podId: string): { version: 1; iv: string; tag: string; data: string } {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', by, iv).setAAD(Buffer.from(podId));
  const data = Buffer.concat([cipher.update(key), cipher.final()]);
  return { version: 1, iv: iv.toString('hex'), tag: cipher.getAuthTag().toString('hex'), data: data.toString('hex') };
}

/** Undefined when it is another key, or another POD's. */
function unwrap({ iv, tag, data }: Wrapped, by: Buffer, podId: string): string | undefined {
  const decipher = createDecipheriv('aes-256-gcm', by, Buffer.from(iv, 'hex'), { authTagLength: 16 }).setAAD(Buffer.from(podId)).setAuthTag(Buffer.from(tag, 'hex'));
  try {
    return Buffer.concat([decipher.update(Buffer.from(data, 'hex')), decipher.final()]).toString('hex');
  } catch {
    return undefined;
  }
}

function parse(wrapped: string): Wrapped {
  try {
    return Wrapped.parse(JSON.parse(wrapped));
  } catch (cause) {
    throw new ZapError('checkpoint/key-unreadable', 'What the host keeps of the checkpoint\'s key cannot be read.', { hint: 'It was written by another version of Zap, or altered.', cause });
  }
}
