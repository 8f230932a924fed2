/** The recipe of the environment `probe`: its description beside it, and the programs of cases/ as files in /usr/lib/probe. */
import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const casesDirectory = join(import.meta.dirname, 'cases');
const recipeDirectory = join(import.meta.dirname, '../environments/probe');

/** Writes the whole recipe into a directory. Its description ends with a digest of it all, so that an environment can be known as made from it. */
export async function writeRecipe(directory: string): Promise<void> {
  await cp(recipeDirectory, directory, { recursive: true });
  const programs = join(directory, 'files/usr/lib/probe');
  await mkdir(programs, { recursive: true });
  await cp(casesDirectory, programs, { recursive: true, filter: (path) => !path.includes('__pycache__') });
  const hash = createHash('sha256');
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  for (const path of entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).sort()) {
    hash.update(path.slice(directory.length)).update(await readFile(path));
  }
  const description = await readDescription(directory);
  description.description += ` (${hash.digest('hex').slice(0, 16)})`;
  await writeFile(join(directory, 'recipe.json'), JSON.stringify(description));
}

export async function readDescription(directory: string): Promise<{ description: string }> {
  return JSON.parse(await readFile(join(directory, 'recipe.json'), 'utf8')) as { description: string };
}

/** The names of all cases, by family, as their programs declare them: tests must have names before anything runs. */
export async function caseNames(): Promise<Map<string, string[]>> {
  const families = new Map<string, string[]>();
  for (const file of (await readdir(casesDirectory)).filter((name) => name.endsWith('.py')).sort()) {
    const source = await readFile(join(casesDirectory, file), 'utf8');
    const names = [...source.matchAll(/^@case\((['"])(.*?)\1[,)]/gm)].map((match) => match[2]!);
    if (names.length > 0) families.set(file.replace(/\.py$/, ''), names);
  }
  return families;
}
