/** The helper's executable that this build brings along: where it lies, its digest, and where a host keeps it. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ZapError } from '../../helper/protocol/errors';

export interface HelperExecutable {
  path: string;
  sha256: string;
  sizeBytes: number;
}

export const HELPER_ROOT = '/var/lib/zap/helper';

export async function findHelperExecutable(directory: string): Promise<HelperExecutable> {
  const path = join(directory, 'zap-helper');
  try {
    const [sha256, { size }] = await Promise.all([readFile(`${path}.sha256`, 'utf8'), stat(path)]);
    return { path, sha256: sha256.trim(), sizeBytes: size };
  } catch (cause) {
    throw new ZapError('internal/not-built', 'The helper program is missing: "zap-helper" does not stand beside the command.', { hint: 'Run `npm run build`.', cause });
  }
}

export function installedPath(executable: HelperExecutable): string {
  return `${HELPER_ROOT}/${executable.sha256.slice(0, 16)}/zap-helper`;
}
