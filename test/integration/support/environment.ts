/** Environments that tests run PODs from: built on this computer, which has the way to a package mirror, and kept there from run to run. */
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Zap } from './zap';

interface Environment {
  digest: string;
  names: string[];
  description: string;
}

/** The environment called `name` as this recipe makes it now; an older one of that name is removed. Hosts get it when they need it. */
export async function ensureEnvironment(zap: Zap, name: string, recipeDirectory: string): Promise<void> {
  const recipe = await mkdtemp(join(tmpdir(), 'zap-recipe-'));
  try {
    await cp(recipeDirectory, recipe, { recursive: true });
    const description = JSON.parse(await readFile(join(recipe, 'recipe.json'), 'utf8')) as { description: string };
    description.description += ` (${await digestOf(recipe)})`;
    await writeFile(join(recipe, 'recipe.json'), JSON.stringify(description));
    const { environments } = await zap.json<{ environments: Environment[] }>('env', 'list', '--host', 'local');
    const present = environments.find(({ names }) => names.includes(name));
    if (present?.description === description.description) return;
    await zap.json('env', 'build', name, '--recipe', recipe, '--host', 'local');
    if (present) await zap.json('env', 'remove', present.digest, '--host', 'local');
  } finally {
    await rm(recipe, { recursive: true, force: true });
  }
}

async function digestOf(directory: string): Promise<string> {
  const hash = createHash('sha256');
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  for (const path of entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).sort()) hash.update(path.slice(directory.length)).update(await readFile(path));
  return hash.digest('hex').slice(0, 16);
}
