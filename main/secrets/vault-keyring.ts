/**
 * Secrets that outlive the program: sealed by the system's own store, and only those that a person asked to have kept.
 *
 * Where the system has no store that deserves the name, nothing is written: everything is remembered for the life of the program and no longer.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { SessionKeyring, type Keyring } from './keyring';
import { Secret } from './secret';

export interface Vault {
  readonly canKeep: boolean;
  /** Undefined when the store does not take it. */
  seal(text: string): Promise<string | undefined>;
  /** Undefined when the store does not know it any more. */
  open(sealed: string): Promise<string | undefined>;
}

const Document = z.strictObject({ version: z.literal(1), secrets: z.record(z.string(), z.string()) });

export class VaultKeyring implements Keyring {
  private readonly session = new SessionKeyring();
  private readonly file: string;

  constructor(
    zapHome: string,
    private readonly vault: Vault,
    /** Whether the person asked to have this very secret kept. */
    private readonly isToBeKept: (secret: Secret) => boolean,
  ) {
    this.file = join(zapHome, 'secrets.json');
  }

  async get(id: string): Promise<Secret | undefined> {
    const known = await this.session.get(id);
    if (known || !this.vault.canKeep) return known;
    const sealed = (await this.read())[id];
    const text = sealed === undefined ? undefined : await this.vault.open(sealed);
    if (text === undefined) return undefined;
    const secret = new Secret(text);
    await this.session.set(id, secret);
    return secret;
  }

  async set(id: string, secret: Secret): Promise<void> {
    await this.session.set(id, secret);
    if (!this.vault.canKeep || !this.isToBeKept(secret)) return;
    const sealed = await this.vault.seal(secret.reveal());
    if (sealed !== undefined) await this.write({ ...(await this.read()), [id]: sealed });
  }

  async forget(id: string): Promise<void> {
    await this.session.forget(id);
    const { [id]: gone, ...rest } = await this.read();
    if (gone !== undefined) await this.write(rest);
  }

  private async read(): Promise<Record<string, string>> {
    try {
      return Document.parse(JSON.parse(await readFile(this.file, 'utf8'))).secrets;
    } catch {
      return {}; // none yet, or nothing that could be opened: the person is asked again
    }
  }

  private async write(secrets: Record<string, string>): Promise<void> {
    await writeFile(`${this.file}.partial`, JSON.stringify({ version: 1, secrets }), { mode: 0o600 });
    await rename(`${this.file}.partial`, this.file);
  }
}
