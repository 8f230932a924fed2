/** Moves that succeed: what they report, what lives through them, what stays behind. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { forgetMoments, stopAt } from '../support/moment';
import type { HostName, Suite, TestPod } from '../support/suite';
import { Terminal } from '../support/terminal';
import { until } from '../support/until';
import { ask, Download, Echo, requireAlive, stateOf } from '../support/witness';
import { failureOf } from '../support/zap';

interface Report {
  pod: string;
  from: string;
  to: string;
  mode: string;
  downtimeMs: number;
  totalMs: number;
  bytes: { memory: number; layer: number; sent: number };
  steps: { name: string; ms: number }[];
}

const screenPod = 'traveller';

export function moves(suite: Suite): void {
  describe('a move', () => {
    let pod: TestPod;

    beforeAll(async () => {
      pod = await suite.createAlive(screenPod, { command: null });
    }, 120_000);
    afterAll(() => suite.delete(screenPod), 60_000);

    test('--dry-run tells what would happen and touches nothing', async () => {
      const plan = await suite.zap.json('pod', 'move', screenPod, 'beta', '--dry-run');
      expect(plan).toMatchObject({ pod: screenPod, from: 'alpha', to: 'beta', mode: 'live', canMove: true, needsEnvironment: true });
      const { memory, layer, environment } = plan['predictedBytes'] as Record<string, number>;
      expect(memory).toBeGreaterThan(4 << 20);
      expect(layer).toBeGreaterThan(0);
      expect(environment).toBeGreaterThan(50 << 20);
      for (const predicted of ['predictedDowntimeMs', 'predictedTotalMs', 'predictedSentBytes']) expect(plan[predicted]).toBeGreaterThan(0);
      expect(plan['pastMoves']).toBe(0);
      expect((plan['findings'] as { severity: string }[]).filter(({ severity }) => severity === 'blocker')).toEqual([]);
      const read = await suite.zap.run(['pod', 'move', screenPod, 'beta', '--dry-run']);
      expect(read).toMatchObject({ exitCode: 0, stderr: '' });
      expect(read.stdout.toString()).toMatch(/^traveller: alpha → beta, live\nmemory [\d.]+ MB, layer .*, environment [\d.]+ MB\nit will stand still for about \d+ ms\nabout .* in all, .* sent \(no move between these hosts was seen yet\)\n(?:.*\n)*traveller can move\.\n$/);
      await suite.requireGone('beta', pod.record);
      expect(suite.beta.records()).toEqual([]);
      await requireAlive(pod.address, pod.born);
    });

    test('it brings the environment along, goes on there with its memory, and nothing stays behind', async () => {
      const namespaces = suite.alpha.namespaces('net');
      const report = await suite.zap.json<Report>('pod', 'move', screenPod, 'beta');
      await requireAlive(pod.address, pod.born);
      expect(Object.keys(report)).toEqual(['pod', 'from', 'to', 'mode', 'downtimeMs', 'totalMs', 'bytes', 'steps']);
      expect(report).toMatchObject({ pod: screenPod, from: 'alpha', to: 'beta', mode: 'live' });
      expect(Object.keys(report.bytes)).toEqual(['memory', 'layer', 'sent']);
      expect(report.bytes.memory).toBeGreaterThan(4 << 20);
      expect(report.bytes.sent).toBeGreaterThan(1 << 20); // pages of zeros are not
      expect(report.downtimeMs).toBeGreaterThan(0);
      expect(report.totalMs).toBeGreaterThan(report.downtimeMs);
      for (const step of report.steps) expect(step).toEqual({ name: expect.any(String) as string, ms: expect.any(Number) as number });
      expect(report.steps.map(({ name }) => name)).toEqual(expect.arrayContaining(['environment', 'files', 'freeze and dump', 'send memory', 'restore', 'clean up', 'target: resume']));
      expect(suite.beta.record(screenPod)!.state.kind).toBe('running');
      await suite.requireGone('alpha', pod.record);
      expect(suite.alpha.namespaces('net')).toBeLessThan(namespaces);
      expect(suite.beta.journals()).toEqual([]);
      const { environments } = await suite.zap.json<{ environments: { names: string[] }[] }>('env', 'list', '--host', 'beta');
      expect(environments.map(({ names }) => names)).toContainEqual(['suite']);
    });

    test('people at a terminal see its phases, and what it took', async () => {
      const to = suite.other((await suite.zap.json<{ host: HostName }>('pod', 'show', screenPod)).host);
      using terminal = Terminal.run(suite.zap, ['pod', 'move', screenPod, to]);
      await terminal.shows(/files /);
      await terminal.shows(/send memory +[\d.]+ [MK]B/);
      await terminal.shows(/can no longer be cancelled/);
      await terminal.shows(/STEP +TIME\r\n(?:.+ [\d.]+ m?s\r\n)*freeze and dump +[\d.]+ m?s\r\n(?:.+ [\d.]+ m?s\r\n)*total +[\d.]+ m?s\r\n/);
      await terminal.shows(/traveller runs on (?:alpha|beta)\. traveller stood still for \d+(\.\d)? m?s/);
      expect(await terminal.exitCode()).toBe(0);
    });

    test('an attached terminal follows by itself, and what runs in it goes on', async () => {
      using terminal = Terminal.run(suite.zap, ['pod', 'attach', screenPod]);
      await terminal.shows(/\$ /);
      terminal.type('kept=$((6*7)); sleep 300 & tty\r');
      const tty = (await terminal.shows(/\/dev\/pts\/\d+/))[0];
      const to = suite.other((await suite.zap.json<{ host: HostName }>('pod', 'show', screenPod)).host);
      await suite.zap.json('pod', 'move', screenPod, to);
      await terminal.shows(/traveller is on (?:alpha|beta) now/);
      await terminal.shows(/\$ /);
      terminal.type('echo "<$kept>" $(tty) $(jobs)\r');
      expect((await terminal.shows(/<42> (\S+) .*Running/))[1]).toBe(tty);
      terminal.type('kill %1\r');
      terminal.type('\x1d');
      await terminal.shows(/left traveller; it goes on on (?:alpha|beta)/);
    });

    test('twenty moves back and forth keep a screen with a live download and a conversation alive', async () => {
      using download = await Download.start(pod.address, 2 ** 40, 1_500_000);
      using echo = await Echo.open(pod.address);
      let { host } = await suite.zap.json<{ host: HostName }>('pod', 'show', screenPod);
      for (let hop = 1; hop <= 20; hop++) {
        host = suite.other(host);
        const { downtimeMs } = await suite.zap.json<Report>('pod', 'move', screenPod, host);
        expect(downtimeMs).toBeGreaterThan(0);
        await echo.say(`hop ${hop}`);
        await download.goesOn();
        await suite.requireGone(suite.other(host), pod.record);
      }
      await requireAlive(pod.address, pod.born);
      expect((await suite.exec(screenPod, 'sh', '-c', 'pgrep -c "Xtigervnc|xterm"')).stdout.trim()).toBe('2');
    }, 400_000);

    test('what is left of it at its source is found and named by the source itself; it runs at the target', async () => {
      const { host: from } = await suite.zap.json<{ host: HostName }>('pod', 'show', screenPod);
      const to = suite.other(from);
      const moment = await stopAt(suite.view(from), 'source-clean-up');
      const args = ['pod', 'move', screenPod, to, '--json'];
      const move = suite.zap.start(args);
      await moment.reached();
      // One with an id of the POD's, but neither in its namespaces nor in its control groups: all that looks for it is the check.
      const pid = Number((await suite.lab.exec(from, ['sh', '-c', `setpriv --reuid ${pod.record.uidBase + 7} --clear-groups setsid sleep 600 >/dev/null 2>&1 & echo $!`])).stdout);
      try {
        moment.goOn();
        const failure = failureOf(args, await move.ended);
        expect(failure).toMatchObject({ code: 'move/leftovers', exitCode: 9, message: expect.stringMatching(new RegExp(`still has something of it: process ${pid}\\. "${screenPod}" runs on ${to}\\.`)) as string });
      } finally {
        forgetMoments(suite.view(from));
        await suite.lab.exec(from, ['kill', '-9', String(pid)]);
      }
      await requireAlive(pod.address, pod.born);
      await suite.requireGone(from, pod.record);
    });

    test('a POD of several users, with changed, deleted and new files of its environment', async () => {
      const script = ['sudo -n -u other sh -c "echo mine >/tmp/of-other; exec python3 -c \\"import time; time.sleep(9999)\\"" & sudo -n rm /etc/issue', 'sudo -n sh -c "echo changed >>/etc/motd; mkfifo /var/pipe; ln /etc/motd /var/linked; install -d -m 2770 -o other /srv/shared"', 'exec python3 /usr/lib/suite/witness.py'];
      const users = await suite.createAlive('users', { command: ['sh', '-c', script.join('; ')] });
      const look = async (): Promise<string> => (await suite.exec('users', 'sh', '-c', 'ps -eo uid,args --no-headers | grep "^ *1001" | sort; ls /etc/issue 2>&1; tail -1 /var/linked; stat -c "%n %a %u %h %F" /srv/shared /var/pipe /var/linked /tmp/of-other')).stdout;
      try {
        await until('its files', async () => /of-other 664 1001 1 regular/.test(await look()));
        const before = await look();
        expect(before).toMatch(/^ *1001 python3 -c/m);
        await suite.zap.json('pod', 'move', 'users', 'beta');
        expect(await look()).toBe(before);
        await requireAlive(users.address, users.born);
      } finally {
        await suite.delete('users');
      }
    });

    test('a POD without network, and one behind the host, move as well', async () => {
      for (const network of ['none', 'nat']) {
        await suite.create(network, { options: ['--network', network], command: ['sh', '-c', 'n=0; while :; do echo $$ $n >/tmp/count; n=$((n+1)); sleep 0.05; done'] });
        await suite.zap.json('pod', 'move', network, 'beta');
        const { stdout } = await suite.exec(network, 'sh', '-c', 'before=$(cat /tmp/count); until [ "$(cat /tmp/count)" != "$before" ]; do sleep 0.05; done; ip -o -4 addr show scope global | wc -l');
        expect(stdout.trim()).toBe(network === 'none' ? '0' : '1');
        await suite.delete(network);
      }
    });

    test('to the host where it is: refused, and it runs on', async () => {
      const { host } = await suite.zap.json<{ host: string }>('pod', 'show', screenPod);
      for (const dry of [[], ['--dry-run']]) expect(await suite.zap.failure('pod', 'move', screenPod, host, ...dry)).toMatchObject({ code: 'move/same-host', exitCode: 9 });
      await requireAlive(pod.address, pod.born);
    });

    test('a second move, a delete, a suspend and a rename of a POD on its way are refused; the first move ends well', async () => {
      const { host } = await suite.zap.json<{ host: HostName }>('pod', 'show', screenPod);
      const to = suite.other(host);
      await ask(pod.address, 'write', '/home/user/bulk', String(24 << 20));
      await suite.lab.setLink(to, { rateMbit: 40 });
      try {
        const first = suite.zap.start(['pod', 'move', screenPod, to, '--json']);
        await until('its files to be on their way', () => suite.view(host).journals().length > 0, { withinMs: 60_000 });
        const refusals = await Promise.all([suite.zap.failure('pod', 'move', screenPod, to), suite.zap.failure('pod', 'delete', screenPod, '--yes'), suite.zap.failure('pod', 'suspend', screenPod), suite.zap.failure('pod', 'rename', screenPod, 'someone-else')]);
        expect(first.child.exitCode).toBeNull();
        for (const refusal of refusals) expect(refusal).toMatchObject({ code: expect.stringMatching(/^pod\/(busy|wrong-state)$/) as string, exitCode: 4 });
        await suite.lab.clearLink(to);
        expect((await first.ended).exitCode).toBe(0);
      } finally {
        await suite.lab.clearLink(to);
      }
      expect((await stateOf(pod.address)).hostname).toBe(screenPod);
      await requireAlive(pod.address, pod.born);
    });

    test('hosts that cannot reach each other move it through this computer', async () => {
      const { host } = await suite.zap.json<{ host: HostName }>('pod', 'show', screenPod);
      const to = suite.other(host);
      const rules = `table ip suite { chain input { type filter hook input priority 0; ip saddr ${suite.lab.host(host).address} tcp flags syn drop\n }\n}`;
      await suite.lab.exec(to, ['nft', '-f', '-'], { input: rules });
      try {
        using download = await Download.start(pod.address, 8_000_000, 2_000_000);
        const moved = await suite.zap.run(['pod', 'move', screenPod, to]);
        expect(moved).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('go through this computer') as string });
        await requireAlive(pod.address, pod.born);
        await suite.requireGone(host, pod.record);
        await download.ended;
      } finally {
        await suite.lab.exec(to, ['nft', 'delete', 'table', 'ip', 'suite']);
      }
    });
  });
}
