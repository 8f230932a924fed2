/**
 * Small files of the lab's home that are replaced whole.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';

export async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export async function readJson<T>(path: string): Promise<T | undefined> {
  const text = await readText(path);
  return text === undefined ? undefined : (JSON.parse(text) as T);
}

/** A reader sees the old text or the new one, never a part. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const incoming = `${path}.${process.pid}.new`;
  await writeFile(incoming, text, { mode: 0o600 });
  await rename(incoming, path);
}
