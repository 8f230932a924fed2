/** The directory that keeps hosts and their keys. */
import { mkdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { ZapError } from '../../helper/protocol/errors';

export function defaultZapHome(env: NodeJS.ProcessEnv = process.env): string {
  return env['ZAP_HOME'] || join(env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'zap');
}

/** Makes the directory, parents first. (Node's own recursive mkdir never ends where the file system takes no new names, as in /proc.) */
export async function makeZapHome(path: string): Promise<void> {
  try {
    await makeDirectory(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ZapError('usage/zap-home', `The directory "${path}" for Zap's settings cannot be made (${code ?? String(error)}).`, { hint: 'Set ZAP_HOME to a directory that you may write in.', data: { path }, cause: error });
  }
}

async function makeDirectory(path: string): Promise<void> {
  const there = await stat(path).catch(() => undefined);
  if (there?.isDirectory()) return;
  if (there) throw Object.assign(new Error('not a directory'), { code: 'ENOTDIR' });
  const parent = dirname(path);
  if (parent !== path) await makeDirectory(parent);
  await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}
