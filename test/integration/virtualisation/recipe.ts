/** The recipe of the environment `probe`: its description beside it, and the programs of cases/ as files in /usr/lib/probe. */
import { cp, mkdir, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

const casesDirectory = join(import.meta.dirname, 'cases');
const recipeDirectory = join(import.meta.dirname, '../environments/probe');

/** Writes the whole recipe into a directory. */
export async function writeRecipe(directory: string): Promise<void> {
  await cp(recipeDirectory, directory, { recursive: true });
  const programs = join(directory, 'files/usr/lib/probe');
  await mkdir(programs, { recursive: true });
  await cp(casesDirectory, programs, { recursive: true, filter: (path) => !path.includes('__pycache__') });
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
