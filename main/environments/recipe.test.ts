import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readRecipe, readRecipeBundle, readRecipes } from './recipe';

let directory: string;
const description = { name: 'mine', description: 'd', suite: 'trixie', packages: ['less'], hasDisplay: false, user: 'root' };

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'zap-recipe-'));
  writeFileSync(join(directory, 'recipe.json'), JSON.stringify(description));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('readRecipe', () => {
  it('reads files with their modes, and the set-up script', async () => {
    mkdirSync(join(directory, 'files/usr/bin'), { recursive: true });
    writeFileSync(join(directory, 'files/usr/bin/run'), '#!/bin/sh\n', { mode: 0o755 });
    writeFileSync(join(directory, 'files/b'), Buffer.from([0, 255]));
    writeFileSync(join(directory, 'setup.sh'), 'true\n');
    expect(await readRecipe(directory)).toEqual({
      ...description,
      setup: 'true\n',
      files: [{ path: 'b', mode: 0o644, contentBase64: 'AP8=' }, { path: 'usr/bin/run', mode: 0o755, contentBase64: Buffer.from('#!/bin/sh\n').toString('base64') }],
    });
  });

  it.each([
    ['no recipe', () => rmSync(join(directory, 'recipe.json')), 'environment/recipe-unreadable'],
    ['no JSON', () => writeFileSync(join(directory, 'recipe.json'), '{'), 'environment/recipe-invalid'],
    ['a key of another time', () => writeFileSync(join(directory, 'recipe.json'), JSON.stringify({ ...description, extra: 1 })), 'environment/recipe-invalid'],
    ['an option for a package', () => writeFileSync(join(directory, 'recipe.json'), JSON.stringify({ ...description, packages: ['-oX=y'] })), 'environment/recipe-invalid'],
    ['a link', () => {
      mkdirSync(join(directory, 'files'));
      symlinkSync('/etc/passwd', join(directory, 'files/link'));
    }, 'environment/recipe-invalid'],
    ['too much', () => {
      mkdirSync(join(directory, 'files'));
      writeFileSync(join(directory, 'files/big'), Buffer.alloc(3_000_000));
    }, 'environment/recipe-too-big'],
  ] as [string, () => void, string][])('refuses %s', async (_name, change, code) => {
    change();
    await expect(readRecipe(directory)).rejects.toMatchObject({ code });
  });
});

describe('the recipes of the project', () => {
  it('are all valid and small enough to be sent', async () => {
    const recipes = await readRecipes(join(import.meta.dirname, '../../assets/environments'));
    for (const recipe of recipes) expect(JSON.stringify({ method: 'environment.build', params: { recipe } }).length).toBeLessThan(4 << 20);
  });

  it.each([
    ['desktop', true, 'user', ['tigervnc-standalone-server', 'openbox', 'jgmenu', 'tint2', 'xterm', 'pcmanfm', 'mousepad']],
    ['desktop-xfce', true, 'user', ['tigervnc-standalone-server', 'xfce4-session', 'xfce4-panel', 'xfce4-terminal', 'thunar', 'mousepad', 'firefox-esr']],
    ['web', false, 'root', ['apache2']],
    ['shell', false, 'user', ['bash-completion', 'nano']],
  ])('%s brings what it is for', async (name, hasDisplay, user, packages) => {
    const recipe = await readRecipe(join(import.meta.dirname, '../../assets/environments', name));
    expect(recipe).toMatchObject({ name, hasDisplay, user, packages: expect.arrayContaining(['tini', 'tmux', ...packages]) });
  });

  it('say how to come by them when they were not built', async () => {
    await expect(readRecipeBundle(join(directory, 'environments.json'))).rejects.toMatchObject({ code: 'internal/not-built', hint: 'Run `npm run build`.' });
  });
});
