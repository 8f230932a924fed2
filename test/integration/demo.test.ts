/** What README promises of `npm run demo`: the whole story, told to its end on a machine without a display. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeAsRoot } from './support/as-root';
import { ensureBuilt } from './support/build';
import { readPng, type Picture } from './support/png';
import { program, Zap } from './support/zap';

/** The environment of the demo's desktop may have to be built first. */
const withinMs = 600_000;

describeAsRoot('the demo', () => {
  let directory: string;
  let zap: Zap;

  beforeAll(async () => {
    await ensureBuilt();
    directory = await mkdtemp(join(tmpdir(), 'zap-demo-'));
    zap = new Zap(join(directory, 'home'));
  }, 300_000);
  afterAll(async () => {
    try {
      expect(await zap.json('lab', 'down')).toEqual({ leftovers: [] });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }, 60_000);

  test('moves, suspends, resumes and clones a desktop, shows it all, and leaves the lab to go on with', { timeout: withinMs }, async () => {
    const { DISPLAY: _x, WAYLAND_DISPLAY: _wayland, ...env } = zap.environment;
    const demo = spawn(process.execPath, [join(dirname(program), 'demo.mjs')], { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let [told, complained] = ['', ''];
    demo.stdout.on('data', (chunk: Buffer) => (told += chunk.toString()));
    demo.stderr.on('data', (chunk: Buffer) => (complained += chunk.toString()));
    const exitCode = await new Promise<number | null>((resolve) => demo.once('close', resolve));
    expect(`${exitCode} ${exitCode === 0 ? '' : told + complained}`).toBe('0 ');

    expect(told.match(/^\d\. .*$/gm)).toEqual([
      '1. Two computers', '2. A desktop on alpha', '3. The desktop moves to beta while it runs', '4. And back again', '5. Put away, and taken out on the other computer',
      '6. Two of it: a copy of the running desktop', '7. The same with the mouse', '8. What it took',
    ]);
    for (const what of ['move to beta', 'move to alpha', 'dragged to beta']) expect(told).toMatch(new RegExp(`^ +${what} +[\\d.]+ m?s +[\\d.]+ m?s$`, 'm'));
    expect(told).toContain('npx zap lab down');

    const pictures = (await readdir(directory)).filter((name) => name.endsWith('.png')).sort();
    expect(pictures).toEqual(['demo-1-alpha.png', 'demo-2-beta.png', 'demo-3-alpha.png', 'demo-4-beta.png', 'demo-5-copy.png', ...['after', 'before', 'dragging', 'during', 'plan'].map((name) => `demo-app-${name}.png`)]);
    const [before, ...after] = await Promise.all(pictures.filter((name) => !name.includes('app')).map(async (name) => readPng(await readFile(join(directory, name)))));
    expect(before!.colours).toBeGreaterThan(50);
    for (const picture of after) expect(likeness(before!, picture)).toBeGreaterThan(0.9); // the clock and the terminal went on

    const { pods } = await zap.json<{ pods: { name: string; host: string; state: { kind: string } }[] }>('pod', 'list');
    expect(pods.map(({ name, host, state }) => `${name} ${state.kind} ${host}`)).toEqual(['desk running beta', 'desk-copy running alpha']);
  });
});

/** The part of two pictures that is the same. */
function likeness(one: Picture, other: Picture): number {
  expect([other.width, other.height]).toEqual([one.width, one.height]);
  let same = 0;
  for (let at = 0; at < one.rgb.length; at += 3) if (one.rgb.readUIntBE(at, 3) === other.rgb.readUIntBE(at, 3)) same++;
  return same / (one.rgb.length / 3);
}
