/**
 * Where secrets are kept between two uses.
 *
 * A secret is put here only after it has worked and is forgotten when it has failed, so that a wrong one is asked for again instead of being tried again.
 */
import type { Secret } from './secret';

export interface Keyring {
  get(id: string): Promise<Secret | undefined>;
  set(id: string, secret: Secret): Promise<void>;
  forget(id: string): Promise<void>;
}

/** Remembers for the life of the program, and writes nothing anywhere. */
export class SessionKeyring implements Keyring {
  private readonly secrets = new Map<string, Secret>();

  async get(id: string): Promise<Secret | undefined> {
    return this.secrets.get(id);
  }

  async set(id: string, secret: Secret): Promise<void> {
    this.secrets.set(id, secret);
  }

  async forget(id: string): Promise<void> {
    this.secrets.delete(id);
  }
}

/** What a secret is for; no id holds anything secret itself. */
export const secretIds = {
  passphrase: (keyFile: string): string => `passphrase ${keyFile}`,
  password: (user: string, address: string, port: number): string => `password ${user}@${address}:${port}`,
  sudo: (host: string): string => `sudo ${host}`,
};
