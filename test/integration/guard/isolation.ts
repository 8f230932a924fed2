/** A POD that tries to get out, to look at others, and to speak in their name: before and after a move. */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostName, Suite } from '../support/suite';
import { until } from '../support/until';
import type { Zap } from '../support/zap';

const idle = ['sleep', 'infinity'];
const script = (name: string): string => readFileSync(join(import.meta.dirname, name), 'utf8');
/** By the filter; or by a kernel that has no 32-bit programs at all. */
const only32 = /^(?:SIGSYS|SIGSEGV|ENOEXEC)$/;
const abstractName = 'zap-test-of-the-host';

async function asRoot(zap: Zap, pod: string, source: string, ...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await zap.run(['pod', 'exec', pod, '--user', 'root', '--', 'python3', '-', ...args], { input: script(source) });
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
  return stdout.toString();
}

/** The same as a program of the POD's own session, and not as one run from outside. */
async function inSession(suite: Suite, pod: string, source: string, ...args: string[]): Promise<string> {
  const { stdout } = await suite.exec(pod, 'mktemp', '-d');
  const place = stdout.trim();
  await suite.zap.run(['pod', 'exec', pod, '--', 'sh', '-c', `cat >${place}/program.py`], { input: script(source) });
  await suite.zap.json('pod', 'exec', pod, '--detach', '--', 'sudo', '-n', 'sh', '-c', `python3 ${place}/program.py ${args.join(' ')} >${place}/result; touch ${place}/done`);
  return (await suite.exec(pod, 'sh', '-c', `until [ -e ${place}/done ]; do sleep 0.05; done; cat ${place}/result`)).stdout;
}

export function isolation(suite: Suite): void {
  describe('what a POD may not', () => {
    let server: Server;
    const addresses: Record<string, string> = {};

    beforeAll(async () => {
      for (const name of ['rogue', 'ear']) {
        addresses[name] = suite.newAddress();
        await suite.create(name, { options: suite.lan(addresses[name]), command: idle });
      }
      // In the network namespace of this machine, as that of a host's own is: nothing of a POD may come there.
      server = createServer((socket) => socket.destroy());
      await new Promise<void>((resolve) => server.listen(`\0${abstractName}`, resolve));
    }, 120_000);
    afterAll(async () => {
      server?.close();
      await suite.delete('rogue', 'ear');
    }, 60_000);

    const attempts = async (): Promise<Record<string, string>[]> => {
      const args = [String(process.pid), abstractName];
      return [await asRoot(suite.zap, 'rogue', 'escapes.py', ...args), await inSession(suite, 'rogue', 'escapes.py', ...args)].map((text) => JSON.parse(text) as Record<string, string>);
    };

    const heard = async (): Promise<string[]> => {
      const listening = suite.zap.start(['pod', 'exec', 'ear', '--user', 'root', '--', 'python3', '-', 'listen'], { input: script('frames.py') });
      let output = '';
      listening.child.stdout!.on('data', (chunk: Buffer) => (output += chunk.toString()));
      await until('the listener listens', () => output.includes('ready'));
      await asRoot(suite.zap, 'rogue', 'frames.py', 'send', addresses['ear']!);
      expect((await listening.ended).exitCode).toBe(0);
      return JSON.parse(output.split('\n')[1]!) as string[];
    };
    const own = ['own address', 'own packet', 'own IPv6 address', 'the last'];

    let before: Record<string, string>[];

    test('leave it, or look at what is not its own: no way of more than a hundred', async () => {
      before = await attempts();
      for (const outcomes of before) {
        expect(Object.keys(outcomes).length).toBeGreaterThan(100);
        for (const [name, outcome] of Object.entries(outcomes)) expect(outcome, name).toMatch(name.startsWith('32 bits') ? only32 : /^(?:E[A-Z0-9]+|SIGSYS)$/);
      }
      expect(before[0]).toEqual(before[1]);
    });

    test('speak with another MAC or address', async () => {
      expect(await heard()).toEqual(own);
    });

    test('any of it on another host, after a move', async () => {
      await suite.zap.json('pod', 'move', 'rogue', 'beta');
      expect(await attempts()).toEqual(before);
      expect(await heard()).toEqual(own);
      expect(await guardedLinks('alpha')).toEqual([suite.alpha.record('ear')!.id]);
      expect(await guardedLinks('beta')).toEqual([suite.beta.record('rogue')!.id]);
    });

    test('speak with another MAC or address where its link is a macvlan', async () => {
      await suite.lab.exec('alpha', ['sh', '-c', 'ip link add wire0 type veth peer name wire1 && ip addr add 10.99.7.1/24 dev wire0 && ip link set wire0 up && ip link set wire1 up']);
      try {
        await suite.delete('rogue', 'ear');
        for (const [name, address] of [['rogue', '10.99.7.5'], ['ear', '10.99.7.6']] as const) {
          addresses[name] = address;
          await suite.create(name, { options: suite.lan(address), command: idle });
        }
        expect(await heard()).toEqual(own);
      } finally {
        await suite.delete('rogue', 'ear');
        await suite.lab.exec('alpha', ['ip', 'link', 'delete', 'wire0']);
      }
      expect(await guardedLinks('alpha')).toEqual([]);
    });

    const guardedLinks = async (host: HostName): Promise<string[]> => [...(await suite.lab.exec(host, ['nft', 'list', 'tables'])).stdout.matchAll(/^table bridge zap([0-9a-f]{12})$/gm)].map(([, id]) => id!);
  });
}
