/** The helper's executable that this build brings along: where it lies, its digest, and where a host keeps it. */
import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ZapError } from '../../helper/protocol/errors';

export interface HelperExecutable {
  path: string;
  sha256: string;
  sizeBytes: number;
  /** The processor it runs on, as `uname -m` names it. */
  machine?: string | undefined;
}

export const HELPER_ROOT = '/var/lib/zap/helper';

export async function findHelperExecutable(directory: string): Promise<HelperExecutable> {
  const path = join(directory, 'zap-helper');
  try {
    const [sha256, { size }, machine] = await Promise.all([readFile(`${path}.sha256`, 'utf8'), stat(path), machineOf(path)]);
    return { path, sha256: sha256.trim(), sizeBytes: size, machine };
  } catch (cause) {
    throw new ZapError('internal/not-built', 'The helper program is missing: "zap-helper" does not stand beside the command.', { hint: 'Run `npm run build`.', cause });
  }
}

export function installedPath(executable: HelperExecutable): string {
  return `${HELPER_ROOT}/${executable.sha256.slice(0, 16)}/zap-helper`;
}

/** From the header of the ELF file. */
async function machineOf(path: string): Promise<string | undefined> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(20), 0, 20, 0);
    return ({ 62: 'x86_64', 183: 'aarch64' } as Record<number, string>)[buffer.readUInt16LE(18)];
  } finally {
    await file.close();
  }
}
