/** A POD that lies in its own files: where the helper looks for its sockets and logs, and in what it says of itself. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Suite } from '../support/suite';

const escapes = '\x1b]0;owned\x07\x1b[2J\u202e';

export function planted(suite: Suite): void {
  describe('a POD that plants things', () => {
    const servers: Server[] = [];
    let visits = 0;
    beforeAll(async () => {
      await suite.create('liar', { options: ['--network', 'none'], command: null });
      mkdirSync(suite.alpha.path('run/of-the-host'));
      for (const path of ['run/of-the-host.sock', 'run/of-the-host/vnc.sock']) {
        const server = createServer((socket) => (visits++, socket.destroy()));
        await new Promise<void>((resolve) => server.listen(suite.alpha.path(path), resolve));
        servers.push(server);
      }
      writeFileSync(suite.alpha.path('root/of-the-host.log'), 'a line of the host\n', { mode: 0o600 });
    }, 120_000);
    afterAll(async () => {
      for (const server of servers) server.close();
      await suite.delete('liar');
    }, 60_000);

    const asRoot = async (script: string): Promise<string> => {
      const { exitCode, stdout, stderr } = await suite.zap.run(['pod', 'exec', 'liar', '--user', 'root', '--', 'sh', '-c', script]);
      expect(`${exitCode} ${stderr.toString()}`).toBe('0 ');
      return stdout.toString();
    };
    const server = (answer: string): string => `rm -rf /run/zap/vnc.sock; setsid python3 -c 'import socket,time
s=socket.socket(socket.AF_UNIX); s.bind("/run/zap/vnc.sock"); s.listen(9)
while True:
  c,_=s.accept(); c.sendall(${answer}); time.sleep(0.2); c.close()' </dev/null >/dev/null 2>&1 & sleep 0.5; true`;

    test.each([
      ['a link to a socket of the host', 'rm -f /run/zap/vnc.sock; ln -s /run/of-the-host.sock /run/zap/vnc.sock'],
      ['a link upwards to a socket of the host', 'rm -f /run/zap/vnc.sock; ln -s ../../../../../../../../run/of-the-host.sock /run/zap/vnc.sock'],
      ['a directory on the way that is a link', 'mv /run/zap /run/was; ln -s /run/of-the-host /run/zap'],
      ['a file', 'rm -f /run/zap; [ -d /run/was ] && mv /run/was /run/zap; rm -f /run/zap/vnc.sock; echo RFB 003.008 >/run/zap/vnc.sock'],
      ['a pipe', 'rm -f /run/zap/vnc.sock; mkfifo /run/zap/vnc.sock'],
      ['a socket that says nothing it should', server('b"HTTP/1.1 200 OK\\r\\n"*99')],
      ['a screen of impossible size', server('b"RFB 003.008\\n\\x01\\x01"+b"\\0\\0\\0\\0"+b"\\xff"*20000')],
    ])('in place of its screen %s: a plain failure', async (_what, plant) => {
      await asRoot(plant);
      const { code, exitCode, message } = await suite.zap.failure('pod', 'screenshot', 'liar', '/dev/null');
      expect(exitCode).not.toBe(70);
      expect(code).toMatch(/^pod\//);
      expect(message).not.toContain('\x1b');
      expect(visits).toBe(0);
    });

    test('among its logs links, pipes and devices: nothing of the host is shown, and nobody waits', async () => {
      await asRoot(`cd /var/log/zap; ln -sf /root/of-the-host.log a.log; ln -sf /etc/shadow b.log; mkfifo c.log; ln -sf /dev/zero d.log; mkdir e.log; printf 'mine\\n' >f.log`);
      const { files } = await suite.zap.json<{ files: { name: string; text: string }[] }>('pod', 'logs', 'liar');
      expect(files.find(({ name }) => name === 'f.log')?.text).toContain('mine');
      expect(JSON.stringify(files)).not.toMatch(/of the host|root:/);
      await asRoot('mv /var/log/zap /var/log/was; ln -s /root /var/log/zap');
      expect(await suite.zap.json('pod', 'logs', 'liar')).toMatchObject({ files: [] });
      await asRoot('rm /var/log/zap; mv /var/log/was /var/log/zap; rm -r /var/log/zap/?.log');
    });

    test('with names and lines that a terminal would obey: what is printed obeys nothing', async () => {
      await asRoot(`cd /var/log/zap; printf '${escapes}said\\n' >"$(printf 'x${escapes}\\ny.log')"`);
      await asRoot(`cp /bin/sleep "$(printf '/tmp/${escapes}\\n) Z 1')"; setsid /tmp/*Z* 1000 </dev/null >/dev/null 2>&1 & true`);
      for (const verb of [['logs', 'liar'], ['show', 'liar'], ['list']]) {
        const { exitCode, stdout } = await suite.zap.run(['pod', ...verb]);
        expect(exitCode).toBe(0);
        // oxlint-disable-next-line no-control-regex -- control characters are what this is about
        expect(stdout.toString(), verb.join(' ')).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f\u202e]/);
      }
      expect((await suite.zap.run(['pod', 'logs', 'liar'])).stdout.toString()).toContain('said');
    });

    test.each([
      ['one that prints without end', 'yes >&2 & exec yes'],
      ['one that never ends, and leaves somebody behind who holds on to its output', 'sleep 1000.25 & exec sleep 1000.25'],
    ])('in place of its tmux %s: a plain failure, and nothing of it stays', async (_what, script) => {
      await asRoot(`[ -e /usr/bin/tmux.own ] || cp /usr/bin/tmux /usr/bin/tmux.own; printf '#!/bin/sh\\n${script}\\n' >/usr/bin/tmux.new; chmod 755 /usr/bin/tmux.new; mv /usr/bin/tmux.new /usr/bin/tmux`);
      try {
        expect(await suite.zap.failure('pod', 'exec', 'liar', '--detach', '--', 'true')).toMatchObject({ code: 'pod/not-answering' });
      } finally {
        await asRoot('mv /usr/bin/tmux.own /usr/bin/tmux; pkill -KILL -x sleep; pkill -KILL -x yes; true');
      }
    });

    test('programs that helpers used to trust get no right that the POD has not', async () => {
      const spy = '#!/bin/sh\\ngrep -E "^(CapBnd|CapEff|Seccomp):" /proc/self/status >>/spied/rights\\n';
      await asRoot('mkdir -m 777 /spied; touch /spied/rights; chmod 666 /spied/rights');
      await asRoot(`for name in setpriv env tmux nsenter; do printf '${spy}' >/usr/bin/$name.new; chmod 755 /usr/bin/$name.new; mv /usr/bin/$name.new /usr/bin/$name; done`);
      await suite.zap.run(['pod', 'exec', 'liar', '--user', 'root', '--', 'setpriv']);
      await suite.zap.run(['pod', 'exec', 'liar', '--', 'env']);
      await suite.zap.run(['pod', 'exec', 'liar', '--detach', '--', 'true']);
      const own = await asRoot('grep -E "^(CapBnd|Seccomp):" /proc/1/status');
      const seen = (await asRoot('cat /spied/rights')).trim().split('\n');
      expect(seen.length).toBeGreaterThanOrEqual(9);
      for (const line of seen) if (!line.startsWith('CapEff')) expect(own).toContain(line);
    });

    test('it can still be moved, and leaves nothing', async () => {
      const { id } = suite.alpha.record('liar')!;
      const record = suite.alpha.record('liar')!;
      await suite.zap.json('pod', 'move', 'liar', 'beta');
      expect(suite.beta.record('liar')!.id).toBe(id);
      await suite.requireGone('alpha', record);
    });
  });
}
