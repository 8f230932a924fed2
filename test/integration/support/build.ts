/** The product under test is what the sources are now: dist/ is made again when it is older. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../../helper/system/spawn';
import { withLock } from '../../lab/lock';
import { program } from './zap';

const top = join(import.meta.dirname, '../../..');

export async function ensureBuilt(): Promise<void> {
  await withLock(join(top, 'node_modules/.zap-build.lock'), async () => {
    const builtMs = await stat(program).then(({ mtimeMs }) => mtimeMs, () => 0);
    if ((await newestSourceMs()) > builtMs) await run(process.execPath, ['assets/build/build.mjs'], { cwd: top });
  });
}

async function newestSourceMs(): Promise<number> {
  const times = ['app', 'main', 'helper', 'test/lab', 'assets'].map(async (directory) => {
    const entries = await readdir(join(top, directory), { recursive: true, withFileTypes: true });
    const sources = entries.filter((entry) => entry.isFile() && !entry.name.endsWith('.test.ts'));
    return Math.max(...(await Promise.all(sources.map(async (entry) => (await stat(join(entry.parentPath, entry.name))).mtimeMs))));
  });
  return Math.max(...(await Promise.all(times)));
}
