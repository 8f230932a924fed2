/**
 * Recipes of environments: directories with `recipe.json`, an optional `setup.sh` and a tree `files/`, read into the one object that a helper builds from.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile, lstat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { z } from 'zod';
import { ZapError } from '../../helper/protocol/errors';
import { Recipe } from '../../helper/protocol/model';

/** The whole recipe travels in one control frame of at most 4 MiB, a third more than its files in base64. */
const MAX_FILES_BYTES = 2_500_000;

const RecipeFile = Recipe.omit({ files: true, setup: true });
const Bundle = z.strictObject({ version: z.literal(1), recipes: z.array(Recipe) });

export async function readRecipe(directory: string): Promise<Recipe> {
  const text = await readFile(join(directory, 'recipe.json'), 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new ZapError('environment/recipe-unreadable', `"${directory}" is not a recipe: its recipe.json cannot be read (${cause.code ?? cause.message}).`, {
      hint: 'A recipe is a directory with recipe.json, and setup.sh and files/ if needed.',
      cause,
    });
  });
  const description = RecipeFile.safeParse(parseJson(text, directory));
  if (!description.success) {
    const issue = description.error.issues[0];
    throw new ZapError('environment/recipe-invalid', `recipe.json of "${directory}" is not valid: ${issue?.path.join('.') || 'it'}: ${issue?.message ?? ''}`, { data: { directory } });
  }
  const setup = await readFile(join(directory, 'setup.sh'), 'utf8').catch(ignoreMissing);
  const files = await readTree(join(directory, 'files'));
  return { ...description.data, ...(setup === undefined ? {} : { setup }), files };
}

/** All recipes in the directories of `parent`, by name; a directory without recipe.json is something else. */
export async function readRecipes(parent: string): Promise<Recipe[]> {
  const names = (await readdir(parent, { withFileTypes: true }).catch(ignoreMissing)) ?? [];
  const directories = names.map((entry) => join(parent, entry.name)).filter((directory) => existsSync(join(directory, 'recipe.json')));
  const recipes = await Promise.all(directories.map(readRecipe));
  return recipes.sort((a, b) => a.name.localeCompare(b.name));
}

/** The recipes that were bundled at build time. */
export async function readRecipeBundle(path: string): Promise<Recipe[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new ZapError('internal/not-built', `The recipes of environments are missing: "${basename(path)}" does not stand beside the program.`, { hint: 'Run `npm run build`.', cause });
  });
  return Bundle.parse(JSON.parse(text)).recipes;
}

async function readTree(root: string): Promise<Recipe['files']> {
  const entries = (await readdir(root, { recursive: true, withFileTypes: true }).catch(ignoreMissing)) ?? [];
  const files: Recipe['files'] = [];
  let totalBytes = 0;
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) continue;
    const name = relative(root, path);
    if (!entry.isFile()) throw new ZapError('environment/recipe-invalid', `"${name}" of the recipe is not a plain file.`, { hint: 'Make links and devices in setup.sh.' });
    const { mode, size } = await lstat(path);
    totalBytes += size;
    if (totalBytes > MAX_FILES_BYTES) {
      throw new ZapError('environment/recipe-too-big', `The files of the recipe exceed ${MAX_FILES_BYTES} bytes.`, { hint: 'Let packages or setup.sh bring what is big.' });
    }
    files.push({ path: name, mode: mode & 0o7777, contentBase64: (await readFile(path)).toString('base64') });
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function parseJson(text: string, directory: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ZapError('environment/recipe-invalid', `recipe.json of "${directory}" is not JSON.`, { cause });
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
  return undefined;
}
