/** How much there is in a directory: what it takes on disk and how many names. */
import { closeSync } from 'node:fs';
import { openRoot } from '../system/paths';
import { Pacer } from './pacer';
import { walkTree } from './walk';

export async function treeSize(path: string): Promise<{ bytes: number; files: number }> {
  const pacer = new Pacer();
  let root: number;
  try {
    root = openRoot(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { bytes: 0, files: 0 };
    throw error;
  }
  try {
    let bytes = 0;
    let files = 0;
    for (const { stat } of walkTree(root)) {
      files++;
      if (stat.type === 'file') bytes += stat.sizeBytes;
      if (pacer.isDue) await pacer.breathe();
    }
    return { bytes, files };
  } finally {
    closeSync(root);
  }
}
