/** What people do in a POD: commands, terminals, logs, its screen. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readPng } from '../support/png';
import type { Suite } from '../support/suite';
import { Terminal } from '../support/terminal';
import { until } from '../support/until';
import { stateOf } from '../support/witness';

const detachKey = '\x1d';

export function podSession(suite: Suite): void {
  describe('exec, attach, logs, screenshot', () => {
    let address: string;

    beforeAll(async () => {
      address = suite.newAddress();
      await suite.create('screen', { options: [...suite.lan(address), '--geometry', '800x600'], command: null });
    }, 120_000);
    afterAll(() => suite.delete('screen'), 60_000);

    test('exec passes standard input, output, error and the exit code, byte for byte', async () => {
      const input = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7) & 255));
      const echoed = await suite.zap.run(['pod', 'exec', 'screen', '--', 'sh', '-c', 'cat; echo complaint >&2; exit 37'], { input });
      expect(echoed).toMatchObject({ exitCode: 37, stderr: 'complaint\n' });
      expect(echoed.stdout.equals(input)).toBe(true);
    });

    test('exec --json, as the user of the environment or another one; arguments reach no shell', async () => {
      const script = 'id -un; printf "%s|" "$@"; echo oops >&2; exit 3';
      const nasty = ['a b', '$(reboot)', '; exit 9', '"\'', '*'];
      const own = await suite.zap.run(['pod', 'exec', 'screen', '--json', '--', 'sh', '-c', script, 'sh', ...nasty]);
      expect(own.exitCode).toBe(3);
      expect(JSON.parse(own.stdout.toString())).toEqual({ exitCode: 3, stdout: `user\n${nasty.join('|')}|`, stderr: 'oops\n' });
      const other = await suite.zap.run(['pod', 'exec', 'screen', '--user', 'other', '--', 'id', '-u']);
      expect(other).toMatchObject({ exitCode: 0, stderr: '' });
      expect(other.stdout.toString()).toBe('1001\n');
    });

    test('exec --detach returns at once and leaves a child of the POD', async () => {
      expect(await suite.zap.json('pod', 'exec', 'screen', '--detach', '--', 'sh', '-c', 'echo $PPID >/tmp/detached; exec sleep 4711')).toMatchObject({ exitCode: 0 });
      const { stdout } = await suite.exec('screen', 'sh', '-c', 'until [ -s /tmp/detached ]; do sleep 0.05; done; tr "\\0" " " <"/proc/$(cat /tmp/detached)/cmdline"; pgrep -fc "^sleep 4711"');
      expect(stdout).toMatch(/^tmux .*1\n$/s);
    });

    test('a command that does not exist is an error of that command', async () => {
      const { exitCode, stderr } = await suite.zap.run(['pod', 'exec', 'screen', '--', 'no-such-program']);
      expect(exitCode).toBe(127);
      expect(stderr).toContain('no-such-program');
    });

    test('two people share a terminal, its size follows, and Ctrl-] leaves it running', async () => {
      using first = Terminal.run(suite.zap, ['pod', 'attach', 'screen'], { columns: 100, rows: 30 });
      await first.shows(/\$ /);
      first.type('echo $((6*7))-$(tty)-$(stty size)\r');
      expect((await first.shows(/42-(\/dev\/pts\/\d+)-30 100/))[1]).toBeDefined();

      using second = Terminal.run(suite.zap, ['pod', 'attach', 'screen'], { columns: 90, rows: 25 });
      await second.shows(/42-/); // what the first one typed
      second.type('echo said-$((11*11))\r');
      await Promise.all([first.shows(/said-121/), second.shows(/said-121/)]);
      second.resize({ columns: 77, rows: 22 });
      await until('the new size', async () => {
        second.type('stty size\r'); // tmux tells programs a moment after it has drawn
        return second.shows(/22 77/, 500).catch(() => undefined);
      });

      second.type(detachKey);
      await second.shows(/left screen; it goes on on alpha/);
      expect(await second.exitCode()).toBe(0);
      first.type('echo still-$((7*7))\r');
      await first.shows(/still-49/);
      first.type(detachKey);
      expect(await first.exitCode()).toBe(0);

      using again = Terminal.run(suite.zap, ['pod', 'attach', 'screen']);
      await again.shows(/still-49/); // the scrollback of a terminal that nobody looked at
      using apart = Terminal.run(suite.zap, ['pod', 'attach', 'screen', '--window', 'apart']);
      await apart.shows(/\$ /);
      apart.type('exit\r');
      await apart.shows(/the terminal of screen has ended/);
      expect(await apart.exitCode()).toBe(0);
    });

    test('attach needs a terminal', async () => {
      expect(await suite.zap.run(['pod', 'attach', 'screen'])).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('terminal') as string });
    });

    test('logs show what the session printed, the last lines of it', async () => {
      const { files } = await suite.zap.json<{ files: { name: string; text: string }[] }>('pod', 'logs', 'screen');
      expect(files.find(({ name }) => name === 'pod.log')?.text).toContain('Listening for VNC connections');
      const short = await suite.zap.json<{ files: { text: string }[] }>('pod', 'logs', 'screen', '--lines', '2');
      expect(short.files[0]!.text.trimEnd().split('\n').length).toBeLessThanOrEqual(2);
    });

    test('a screenshot is a PNG of the size asked for, with a picture on it', async () => {
      const directory = await mkdtemp(join(tmpdir(), 'zap-screenshot-'));
      try {
        const file = join(directory, 'screen.png');
        const picture = await until('a picture with a window on it', async () => {
          expect(await suite.zap.json('pod', 'screenshot', 'screen', file)).toMatchObject({ pod: 'screen', host: 'alpha', file, width: 800, height: 600 });
          const seen = readPng(await readFile(file));
          return seen.colours >= 3 ? seen : undefined;
        }, { everyMs: 100 });
        expect(picture).toMatchObject({ width: 800, height: 600 });
        expect(await suite.zap.failure('pod', 'screenshot', 'screen', join(directory, 'no/such/place.png'))).toMatchObject({ code: 'usage/file-unwritable', exitCode: 2 });
      } finally {
        await rm(directory, { recursive: true, force: true });
      }
    });

    test('it outlives the connection and the command that made it', async () => {
      const sessions = await suite.alpha.programs('sshd-session');
      for (const pid of sessions) process.kill(pid, 'SIGKILL');
      await until('no helper on alpha', async () => (await suite.alpha.programs('zap-helper')).length === 0);
      expect((await stateOf(address)).uid).toBe(1000);
    });
  });
}
