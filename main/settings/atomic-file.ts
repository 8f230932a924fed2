/** Files that are either the old or the new one, and only for their owner. */
import { readFile, rename, writeFile } from 'node:fs/promises';

const writing = new Map<string, Promise<unknown>>();

/** One after the other, in the order in which they were asked for. */
export function replaceFile(path: string, content: string): Promise<void> {
  const before = writing.get(path);
  const replace = async (): Promise<void> => {
    await before?.catch(() => {});
    const partial = `${path}.${process.pid}.partial`;
    await writeFile(partial, content, { mode: 0o600, flush: true });
    await rename(partial, path);
  };
  const mine = replace();
  writing.set(path, mine);
  return mine.finally(() => writing.get(path) === mine && writing.delete(path));
}

export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
