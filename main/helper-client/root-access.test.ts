import { PassThrough } from 'node:stream';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Prompter } from '../prompts/prompter';
import { nobody } from '../prompts/prompter';
import { secretIds, SessionKeyring } from '../secrets/keyring';
import { Secret } from '../secrets/secret';
import { LocalTransport } from '../ssh/local-transport';
import { RootAccess } from './root-access';

/** What sudo does with its options, in the parts that matter here. The real one is met in the lab. */
const fakeSudo = `#!/bin/sh
while [ $# -gt 0 ]; do case "$1" in -n) n=1; shift;; -S|-k) shift;; -p) prompt=$2; shift 2;; --) shift; break;; *) break;; esac; done
if [ "$n" = 1 ]; then echo "sudo: a password is required" >&2; exit 1; fi
tries=0
while [ $tries -lt 3 ]; do
  printf %s "$prompt" >&2
  read -r password || { echo "sudo: no password was provided" >&2; exit 1; }
  if [ "$password" = right ]; then exec "$@"; fi
  echo "Sorry, try again." >&2; tries=$((tries + 1))
done
exit 1
`;

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'zap-sudo-'));
  writeFileSync(join(directory, 'sudo'), fakeSudo);
  writeFileSync(join(directory, 'id'), '#!/bin/sh\necho 1000\n');
  for (const name of ['sudo', 'id']) chmodSync(join(directory, name), 0o755);
  vi.stubEnv('PATH', `${directory}:${process.env['PATH']}`);
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true, force: true });
});

function answering(...answers: (string | undefined)[]): Prompter & { questions: string[] } {
  const questions: string[] = [];
  return { ...nobody, canAsk: true, questions, secret: async ({ question }) => (questions.push(question), answers.shift()) };
}

const program = ['sh', '-c', 'echo ran; cat'];

describe('RootAccess', () => {
  it('asks once, and remembers what worked', async () => {
    const prompter = answering('right');
    const keyring = new SessionKeyring();
    const root = new RootAccess('alpha', { prompter, keyring });
    expect(await root.capture(new LocalTransport(), ['echo', 'ran'])).toMatchObject({ status: 0, stdout: 'ran\n' });
    expect(await root.capture(new LocalTransport(), ['echo', 'again'])).toMatchObject({ status: 0, stdout: 'again\n' });
    expect(prompter.questions).toEqual(['Password for sudo on alpha:']);
    expect((await keyring.get(secretIds.sudo('alpha')))?.reveal()).toBe('right');
  });

  it('asks again after a wrong one, and forgets it', async () => {
    const keyring = new SessionKeyring();
    await keyring.set(secretIds.sudo('alpha'), new Secret('stale'));
    const prompter = answering('wrong', 'right');
    const root = new RootAccess('alpha', { prompter, keyring });
    expect(await root.capture(new LocalTransport(), ['echo', 'ran'])).toMatchObject({ status: 0, stdout: 'ran\n' });
    expect(prompter.questions).toEqual(['That is not it. Password for sudo on alpha:', 'That is not it. Password for sudo on alpha:']);
  });

  it('gives up when nobody answers', async () => {
    for (const prompter of [nobody, answering(undefined)]) {
      const output = await new RootAccess('alpha', { prompter, keyring: new SessionKeyring() }).capture(new LocalTransport(), ['echo', 'ran']);
      expect(output).toMatchObject({ status: 1, stdout: '' });
    }
    const wrong = answering('a', 'b', 'c', 'd', 'e');
    expect((await new RootAccess('alpha', { prompter: wrong, keyring: new SessionKeyring() }).capture(new LocalTransport(), ['echo', 'ran'])).status).toBe(1);
    expect(wrong.questions).toHaveLength(3);
  });

  it('gives the password to sudo and to nobody else: the program reads what comes after it, and no argument holds it', async () => {
    const transport = new LocalTransport();
    const argvs: string[] = [];
    const root = new RootAccess('alpha', { prompter: answering('right'), keyring: new SessionKeyring() });
    expect(await root.canTryAgain('sudo: a password is required\n')).toBe(true);
    const child = await root.start({ exec: (argv) => (argvs.push(...argv), transport.exec(argv)) }, 'exec sudo -S -k -p "[zap: sudo asks for the password]" -- "$@"', program);
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      if (out === 'ran\n') (child.stdin as PassThrough).end('protocol');
    });
    await child.exit;
    expect(out).toBe('ran\nprotocol');
    expect(argvs.join(' ')).not.toContain('right');
  });
});
