/** The system's own store of secrets. Without one Chromium would "encrypt" with a password that everybody knows: then nothing is kept at all. */
import { safeStorage } from 'electron';

export interface Vault {
  seal(text: string): Promise<string | undefined>;
  open(sealed: string): Promise<string | undefined>;
}

export function canKeepSecrets(): boolean {
  return safeStorage.isEncryptionAvailable() && !['basic_text', 'unknown'].includes(safeStorage.getSelectedStorageBackend());
}

/** Electron before 41 has the blocking calls only. */
const isAsync = typeof safeStorage.encryptStringAsync === 'function';

export const vault: Vault = {
  async seal(text) {
    if (!canKeepSecrets()) return undefined;
    const sealed = isAsync ? await safeStorage.encryptStringAsync(text) : safeStorage.encryptString(text);
    return sealed.toString('base64');
  },
  async open(sealed) {
    if (!canKeepSecrets()) return undefined;
    const bytes = Buffer.from(sealed, 'base64');
    return isAsync ? (await safeStorage.decryptStringAsync(bytes)).result : safeStorage.decryptString(bytes);
  },
};
