/** Environments: built, imported, listed, removed; the same files are the same environment wherever they come from. */
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../../helper/system/spawn';
import type { Suite } from '../support/suite';

interface Environment {
  digest: string;
  names: string[];
  files: number;
  sizeBytes: number;
}

export function environments(suite: Suite): void {
  describe('environments', () => {
    let directory: string;
    let tree: string;
    const imported = async (path: string, name: string): Promise<Environment> => (await suite.zap.json<{ environment: Environment }>('env', 'import', path, '--name', name, '--host', 'alpha')).environment;
    const list = async (host: string): Promise<Environment[]> => (await suite.zap.json<{ environments: Environment[] }>('env', 'list', '--host', host)).environments;

    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'zap-environments-'));
      tree = join(directory, 'tree');
      for (const part of ['usr/bin', 'usr/lib', 'etc', 'var', 'tmp', 'proc', 'dev', 'sys', 'run', 'root', 'home']) await mkdir(join(tree, part), { recursive: true });
      for (const program of ['sh', 'env', 'base64', 'getent', 'unshare', 'setpriv', 'tini']) await writeFile(join(tree, 'usr/bin', program), 'not really\n', { mode: 0o755 });
      await symlink('usr/bin', join(tree, 'bin'));
      await writeFile(join(tree, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
      await writeFile(join(tree, 'usr/bin/privileged'), 'x', { mode: 0o755 });
      await chmod(join(tree, 'usr/bin/privileged'), 0o4755);
    });
    afterAll(() => rm(directory, { recursive: true, force: true }));

    test('a directory and its archives, plain and compressed, are one environment; the last name is one more', async () => {
      const tar = join(directory, 'tree.tar');
      await run('tar', ['--numeric-owner', '-C', tree, '-cf', tar, '.']);
      await run('gzip', ['-k', tar]);
      const all = [await imported(tree, 'from-directory'), await imported(tar, 'from-tar'), await imported(`${tar}.gz`, 'from-gzip')];
      expect(new Set(all.map(({ digest }) => digest)).size).toBe(1);
      expect(all[2]!.names.sort()).toEqual(['from-directory', 'from-gzip', 'from-tar']);
      expect((await list('alpha')).filter(({ digest }) => digest === all[0]!.digest)).toHaveLength(1);
      await writeFile(join(tree, 'etc/motd'), 'one file more\n');
      expect((await imported(tree, 'changed')).digest).not.toBe(all[0]!.digest);
      await suite.zap.json('env', 'remove', 'changed', '--host', 'alpha');
      expect(await suite.zap.json('env', 'remove', 'from-tar', '--host', 'alpha')).toMatchObject({ host: 'alpha', removed: { digest: all[0]!.digest } });
      expect(await suite.zap.failure('env', 'remove', 'from-tar', '--host', 'alpha')).toMatchObject({ code: 'environment/unknown', exitCode: 5 });
      expect(existsSync(suite.alpha.path('var/lib/zap/environments', all[0]!.digest.slice(7)))).toBe(false);
    });

    test('a recipe is built: its packages, its files, its script', async () => {
      const recipe = join(directory, 'recipe');
      await mkdir(join(recipe, 'files/etc'), { recursive: true });
      await writeFile(join(recipe, 'recipe.json'), JSON.stringify({ name: 'tiny', description: 'Tiny', suite: 'trixie', packages: ['tini'], hasDisplay: false, user: 'root' }));
      await writeFile(join(recipe, 'files/etc/tiny'), 'from files/\n');
      await writeFile(join(recipe, 'setup.sh'), 'tr a-z A-Z </etc/tiny >/etc/tiny-too\n');
      const name = `tiny-${process.pid}`;
      const { environment } = await suite.zap.json<{ environment: Environment }>('env', 'build', name, '--recipe', recipe, '--host', 'local');
      try {
        expect(environment).toMatchObject({ names: [name], description: 'Tiny', hasDisplay: false, user: 'root' });
        const built = join('/var/lib/zap/environments', environment.digest.slice(7), 'tree');
        expect(readFileSync(join(built, 'etc/tiny-too'), 'utf8')).toBe('FROM FILES/\n');
        expect(existsSync(join(built, 'usr/bin/tini'))).toBe(true);
      } finally {
        await suite.zap.json('env', 'remove', environment.digest, '--host', 'local');
      }
    }, 120_000);

    test('one that a POD uses is not removed; a name that no host knows is an error', async () => {
      await suite.create('user-of-it', { options: ['--network', 'none'], command: ['sleep', 'infinity'] });
      expect(await suite.zap.failure('env', 'remove', 'suite', '--host', 'alpha')).toMatchObject({ code: 'environment/in-use', exitCode: 5 });
      expect((await suite.exec('user-of-it', 'true')).exitCode).toBe(0);
      await suite.delete('user-of-it');
      expect(await suite.zap.failure('env', 'build', 'no-such-recipe', '--host', 'alpha')).toMatchObject({ code: 'environment/no-recipe', exitCode: 5 });
      expect(await suite.zap.failure('env', 'import', join(directory, 'nowhere'), '--host', 'alpha')).toMatchObject({ code: 'environment/unreadable', exitCode: 5 });
    });

    test('an archive whose paths climb out is refused whole; absolute ones stay inside', async () => {
      const [climbing, absolute] = [join(directory, 'climbing.tar'), join(directory, 'absolute.tar')];
      for (const [tar, up] of [[climbing, '../../../../..'], [absolute, '']] as const) await run('tar', ['-P', '-C', tree, '--transform', `s,^\\./etc/passwd,${up}/etc/zap-suite-escaped,`, '-cf', tar, '.']);
      const before = await list('alpha');
      expect(await suite.zap.failure('env', 'import', climbing, '--name', 'hostile', '--host', 'alpha')).toMatchObject({ code: expect.stringMatching(/^(environment|checkpoint)\//) as string });
      expect(await list('alpha')).toEqual(before);
      const { digest } = await imported(absolute, 'absolute');
      expect(existsSync(suite.alpha.path('var/lib/zap/environments', digest.slice(7), 'tree/etc/zap-suite-escaped'))).toBe(true);
      expect(existsSync(suite.alpha.path('etc/zap-suite-escaped'))).toBe(false);
      await suite.zap.json('env', 'remove', digest, '--host', 'alpha');
    });

    test('a file that is no archive, one that is cut off, and no whole system leave nothing', async () => {
      const tar = join(directory, 'broken.tar');
      await run('tar', ['-C', tree, '-cf', tar, '.']);
      await run('truncate', ['-s', '5000', tar]);
      await writeFile(join(directory, 'noise.tar'), Buffer.alloc(4096, 'noise'));
      const before = await list('alpha');
      await mkdir(join(directory, 'no-system/etc'), { recursive: true });
      expect(await suite.zap.failure('env', 'import', join(directory, 'no-system'), '--host', 'alpha')).toMatchObject({ code: 'environment/not-a-root', exitCode: 5 });
      for (const path of [tar, join(directory, 'noise.tar')]) expect(await suite.zap.failure('env', 'import', path, '--name', 'broken', '--host', 'alpha')).toMatchObject({ code: expect.stringMatching(/^(environment|checkpoint)\//) as string });
      expect(await list('alpha')).toEqual(before);
    });
  });
}
