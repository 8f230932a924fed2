/** A secret that only a POD's memory holds: looked for everywhere else, after a move and after a suspend. */
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, lstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hostNames, type HostName, type Suite } from '../support/suite';
import { until } from '../support/until';

const places = ['var/lib/zap', 'run/zap', 'tmp', 'var/tmp', 'var/log', 'root', 'home', 'dev/shm'];
const pieceBytes = 1 << 20;

function* filesBelow(directory: string): Generator<string> {
  for (const name of list(directory)) {
    const path = join(directory, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat?.isDirectory()) {
      if (!/\/var\/lib\/zap\/(?:environments|helper|criu|cache)$|\/run\/zap\/pods\/\w+\/(?:env|root)$/.test(path)) yield* filesBelow(path); // the same on every host; or seen elsewhere: a layer
    } else if (stat?.isFile()) yield path;
  }
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function contains(path: string, secret: Buffer): boolean {
  let fd = -1;
  try {
    fd = openSync(path, 'r');
    const buffer = Buffer.alloc(pieceBytes + secret.length);
    for (let at = 0, size = 1; size > 0; at += pieceBytes) {
      size = readSync(fd, buffer, 0, buffer.length, at);
      if (buffer.subarray(0, size).includes(secret)) return true;
    }
    return false;
  } catch {
    return false; // gone meanwhile
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}

export function secrets(suite: Suite): void {
  describe('what a POD has in memory', () => {
    const seed = randomBytes(8).toString('hex');
    /** Nobody is told it: the POD makes it, and so does this test. */
    const secret = Buffer.from(createHash('sha256').update(`planted ${seed}`).digest('hex'));

    const program = `import hashlib,time\nkept=[hashlib.sha256(b"planted ${seed}").hexdigest()+str(n) for n in range(2000)]\nopen("/tmp/planted","w").close()\ntime.sleep(1e6)`;
    beforeAll(async () => {
      await suite.create('keeper', { options: ['--network', 'none'], command: ['python3', '-c', program] });
      await until('the secret is planted', async () => (await suite.exec('keeper', 'test', '-e', '/tmp/planted')).exitCode === 0);
    }, 120_000);
    afterAll(() => suite.delete('keeper'), 60_000);

    /** Files of the host, and what its processes were started with; not the memory of the POD, which it is in. */
    function findings(host: HostName): string[] {
      const view = suite.view(host);
      const files = places.flatMap((place) => [...filesBelow(view.path(place))]);
      const processes = list(view.path('proc')).filter((name) => /^\d+$/.test(name)).flatMap((pid) => ['cmdline', 'environ', 'comm'].map((name) => view.path('proc', pid, name)));
      return [...files, ...processes].filter((path) => contains(path, secret));
    }
    const everywhere = (): string[] => [...hostNames.flatMap(findings), ...[...filesBelow(suite.zap.home)].filter((path) => contains(path, secret))];

    test('is found by this search where it is: in a file of the POD\'s own', async () => {
      await suite.exec('keeper', 'sh', '-c', `printf "planted ${seed}" | sha256sum >/tmp/plain`);
      expect(everywhere()).toEqual([expect.stringMatching(/\/layer\/tmp\/plain$/)]);
      await suite.exec('keeper', 'rm', '/tmp/plain');
      expect(everywhere()).toEqual([]);
    });

    test('is nowhere else after a move', async () => {
      await suite.zap.json('pod', 'move', 'keeper', 'beta');
      expect(everywhere()).toEqual([]);
    });

    test('is in no file while it is suspended, and there again when it is resumed elsewhere', async () => {
      await suite.zap.json('pod', 'suspend', 'keeper');
      const { id } = suite.beta.record('keeper')!;
      const checkpoint = suite.beta.path('var/lib/zap/pods', id, 'checkpoint/images');
      expect(readdirSync(checkpoint).length).toBeGreaterThan(10);
      expect(everywhere()).toEqual([]);
      const key = readFileSync(join(suite.zap.home, 'checkpoint-key'), 'utf8').trim();
      for (const host of hostNames) for (const path of filesBelow(suite.view(host).path('var/lib/zap'))) expect(contains(path, Buffer.from(key)), path).toBe(false);

      await suite.zap.json('pod', 'move', 'keeper', 'alpha');
      expect(everywhere()).toEqual([]);
      await suite.zap.json('pod', 'resume', 'keeper', '--host', 'beta');
      expect(everywhere()).toEqual([]);
      const { stdout } = await suite.exec('keeper', 'sh', '-c', `tr -d "\\0" </proc/$(pgrep -o python3)/mem 2>/dev/null | head -c1; grep -c . /proc/$(pgrep -o python3)/maps`);
      expect(Number(stdout)).toBeGreaterThan(5);
    });

    test('opens with a passphrase alone, where that was chosen', async () => {
      const withPassphrase = (text: string, ...args: string[]) => suite.zap.run(['pod', ...args, '--passphrase-file', '-', '--json'], { input: `${text}\n` });
      expect((await withPassphrase('correct horse', 'suspend', 'keeper')).exitCode).toBe(0);
      expect(await suite.zap.failure('pod', 'resume', 'keeper')).toMatchObject({ code: 'checkpoint/passphrase-needed', exitCode: 8 });
      const wrong = await withPassphrase('correct hors', 'resume', 'keeper');
      expect([wrong.exitCode, wrong.stdout.toString()]).toEqual([8, expect.stringContaining('checkpoint/wrong-passphrase')]);
      expect((await withPassphrase('correct horse', 'resume', 'keeper')).exitCode).toBe(0);
    });
  });
}
