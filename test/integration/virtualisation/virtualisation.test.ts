/**
 * A move to another host changes nothing that programs can see.
 *
 * The cases are programs in PODs (cases/*.py). They are looked at from inside: set up on one host, checked after a move to the other, renewed, and checked
 * again after the way back. Where CRIU itself changes or loses something, a case says so in its name and holds it.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDriver, type Driver, type Host } from './driver';
import { startPeer, type Peer } from './peer';
import { caseNames, writeRecipe } from './recipe';

const isRoot = process.getuid?.() === 0;
if (!isRoot && process.env.CI) throw new Error('The virtualisation tests need root, and CI must not skip them.');
if (!isRoot) console.warn('SKIPPED: the virtualisation tests need root. Nothing about virtualisation was tested.');

interface Verdict {
  case: string;
  ok: boolean;
  detail: string;
  before: Record<string, unknown>;
  after: Record<string, unknown>;
}
type Answers<T> = Record<string, T[]>;

/** Families share a POD: a move costs about the same with one or with four. */
const pods = [
  { name: 'probe-processes', number: 21, families: ['processes', 'threads', 'attributes', 'ipc'] },
  { name: 'probe-memory', number: 22, families: ['memory', 'files', 'places'] },
  { name: 'probe-talk', number: 23, families: ['channels', 'timers', 'network', 'terminals'] },
];
const hops: Host[] = ['beta', 'alpha'];
const families = await caseNames();
const buildWithinMs = 600_000;

describe.skipIf(!isRoot)('virtualisation', { timeout: 120_000 }, () => {
  let driver: Driver;
  let peer: Peer;
  let recipeDirectory: string;

  beforeAll(async () => {
    recipeDirectory = await mkdtemp(join(tmpdir(), 'zap-probe-recipe-'));
    await writeRecipe(recipeDirectory);
    driver = await startDriver(recipeDirectory);
    peer = await startPeer(driver.outsideAddress);
  }, buildWithinMs);

  afterAll(async () => {
    await peer?.[Symbol.asyncDispose]();
    await driver?.down();
    await rm(recipeDirectory, { recursive: true, force: true });
  }, 60_000);

  const runs = (program: string, ...words: string[]): string[] => ['python3', `/usr/lib/probe/${program}.py`, ...words];
  const ask = async <T>(pod: string, question: 'ready' | 'check', of: string[]): Promise<Answers<T>> => JSON.parse(await driver.exec(pod, runs('ask', question, ...of))) as Answers<T>;

  test('every family is probed', () => {
    expect([...families.keys()].sort()).toEqual(pods.flatMap((pod) => pod.families).sort());
  });

  describe.each(pods)('$name', ({ name, number, families: ours }) => {
    const verdicts: Answers<Verdict>[] = [];

    beforeAll(async () => {
      await driver.createPod(name, { host: 'alpha', number, command: ['env', `PROBE_PEER=${driver.outsideAddress}:${peer.port}`, ...runs('run', ...ours)] });
      await ask(name, 'ready', ours);
      for (const host of hops) {
        await driver.move(name, host);
        verdicts.push(await ask(name, 'check', ours));
      }
    }, 120_000);
    afterAll(() => driver.deletePod(name), 60_000); // its tickers and streams would slow the others

    for (const family of ours) {
      describe(family, () => {
        test.each(families.get(family)!)('%s', (caseName) => {
          const found = verdicts.map((verdict) => verdict[family]!.find((one) => one.case === caseName));
          const told = (verdict: Verdict | undefined) => ({ ok: verdict?.ok, detail: verdict?.detail });
          expect(found.map(told)).toEqual(hops.map(() => ({ ok: true, detail: '' })));
        });
      });
    }
  });

  test('two PODs with the same pids, keys, files and ports live on one host and do not see each other', async () => {
    const [one, other] = ['probe-twin-1', 'probe-twin-2'];
    const twins = [one, other] as const;
    const ours = ['ipc', 'places'];
    const marks = ['/tmp', '/var', '/etc', '/usr', '/dev/shm'].map((directory) => `${directory}/only-in-one`);
    try {
      await Promise.all([driver.createPod(one, { host: 'alpha', number: 31, command: runs('run', ...ours) }), driver.createPod(other, { host: 'beta', number: 32, command: runs('run', ...ours) })]);
      await Promise.all(twins.map((pod) => ask(pod, 'ready', ours)));
      await driver.exec(one, ['touch', ...marks]);
      await driver.move(one, 'beta');
      const [pids, otherPids] = await Promise.all(twins.map(async (pod) => (await driver.exec(pod, ['pgrep', 'python3'])).trim().split('\n')));
      expect(pids!.filter((pid) => otherPids!.includes(pid)).length).toBeGreaterThan(5);
      const answers = await Promise.all(twins.map((pod) => ask<Verdict>(pod, 'check', ['places'])));
      expect(answers.flatMap(({ places }) => places!.filter(({ ok }) => !ok))).toEqual([]);
      expect(await driver.exec(one, ['find', ...marks])).toBe(`${marks.join('\n')}\n`);
      expect(await driver.exec(other, ['find', '/tmp', '/var', '/etc', '/usr', '/dev/shm', '-name', 'only-in-one'])).toBe('');
    } finally {
      await Promise.allSettled(twins.map((pod) => driver.deletePod(pod)));
    }
  });

  describe('what CRIU cannot carry is refused by name, and the POD runs on', () => {
    const pod = 'probe-refused';
    const hold = async (thing: string): Promise<void> => expect(JSON.parse(await driver.exec(pod, runs('hold', thing)))).toEqual({ answer: 'ok' });

    beforeAll(() => driver.createPod(pod, { host: 'alpha', number: 24, command: runs('hold') }), 60_000);
    afterAll(() => driver.deletePod(pod), 60_000);

    test.each([
      { thing: 'message-queue', says: /message queue/i },
      { thing: 'packet-pipe', says: /packet/i },
      { thing: 'watch-on-deleted-file', says: /watch/i },
      { thing: 'unaccepted-connection', says: /unix|connection/i },
    ])('$thing', async ({ thing, says }) => {
      await hold(thing);
      const refusal = await driver.refusal(pod, 'beta');
      await hold('nothing'); // which proves that the thing still works
      expect(refusal).toMatch(says);
    });

    test('without them the same POD moves', async () => {
      await driver.move(pod, 'beta');
      await hold('nothing');
    });
  });
});
