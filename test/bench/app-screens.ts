/** Desktops and terminals on screen: a flood into a terminal, a screen that changes all the time, a move that is looked at, and what the app takes for it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AppStage, type RunningApp } from '../app/support/app';
import { zapCommand, type ZapCommand } from '../demo/zap-command';
import { until } from '../integration/support/until';
import type { Print } from './app';
import { memoryBytes } from './app-processes';

const WATCH_MS = 6_000;
const PAUSES = 4;

export async function screenFigures(print: Print): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'zap-bench-screens-'));
  const homeBefore = process.env['ZAP_HOME'];
  process.env['ZAP_HOME'] = home; // the command's
  const zap = zapCommand(join(import.meta.dirname, '../../dist/zap.mjs'));
  try {
    await zap.json('lab', 'up', '--hosts', '2');
    for (const [name, host] of [['bench-desk', 'alpha'], ['bench-other', 'beta']] as const) await zap.json('pod', 'create', name, '--host', host, '--env', 'desktop', '--network', 'none', '--geometry', '1280x800');
    const stage = await AppStage.open();
    try {
      await measureIn(await stage.launch(home), zap, print);
    } finally {
      await stage.close();
    }
  } finally {
    await zap.json('lab', 'down').catch(() => {}); // the first failure is the one to tell
    if (homeBefore === undefined) delete process.env['ZAP_HOME'];
    else process.env['ZAP_HOME'] = homeBefore;
    await rm(home, { recursive: true, force: true });
  }
}

async function measureIn(app: RunningApp, zap: ZapCommand, print: Print): Promise<void> {
  try {
    await app.state('the PODs', ({ pods }) => pods.length === 2);
    await terminalFigures(app, zap, print);
    await desktopFigures(app, zap, print);
    await memoryFigures(app, print);
  } finally {
    await app.close();
  }
}

async function open(app: RunningApp, pod: string, tab: 'desktop' | 'terminal', selector: string): Promise<void> {
  const id = (await app.snapshot()).pods.find(({ name }) => name === pod)!.id;
  await app.page.evaluate((hash) => void (window.location.hash = hash), `#/pod/${id}/${tab}`);
  await app.page.waitForSelector(`${selector}[data-state="open"]:visible`);
}

/** Lines of 79 letters, and of one: what a line costs, and what a byte. */
const floods = { 'app.terminal-flood': 'x'.repeat(79), 'app.terminal-flood.short-lines': 'y' } as const;
const floodBytes = { 'app.terminal-flood': 40_000_000, 'app.terminal-flood.short-lines': 3_000_000 } as const;

/** Beside each the same into a terminal that nobody looks at and nothing interprets: as fast as this machine's kernel passes it on. */
async function terminalFigures(app: RunningApp, zap: ZapCommand, print: Print): Promise<void> {
  const { page } = app;
  await open(app, 'bench-desk', 'terminal', '.terminal-screen');
  const inside = async (script: string): Promise<string> => (await zap.json<{ stdout: string }>('pod', 'exec', 'bench-desk', '--', 'sh', '-c', script)).stdout.trim();
  for (const metric of ['app.terminal-flood', 'app.terminal-flood.short-lines'] as const) {
    const bytes = floodBytes[metric];
    const timed = (command: string): string => `s=$(date +%s%N); ${command}; e=$(date +%s%N); echo $((${bytes}000000000/(e-s)))`;
    const flood = `yes ${floods[metric]} | head -c ${bytes}`;
    const bare = Number(await inside(timed(`script -qec '${flood}' /dev/null >/dev/null`)));
    await inside('rm -f /tmp/rate');
    await page.keyboard.type(`clear; r=$(${timed(`${flood} >/dev/tty`)}); echo $r >/tmp/rate\n`);
    await page.evaluate(watchFrames);
    const rate = await until('the end of the flood', async () => Number(await inside('cat /tmp/rate 2>/dev/null || true')) || undefined, { withinMs: 120_000, everyMs: 1_000 });
    const longestFrameMs = await page.evaluate(() => (window as unknown as Watched).longestFrameMs);
    print(metric, 'bytes/s', [rate], { name: 'bare terminal', values: [bare] });
    print(`${metric}.longest-frame`, 'ms', [longestFrameMs]);
  }
}

/** 60 lines that all change, 50 times a second: of a terminal that scrolls as fast as it can it is the terminal that leaves pictures out. */
const animation = String.raw`
$| = 1;
for (my $picture = 0; ; $picture++) {
  print "\e[H", join "\r\n", map { substr "picture $picture, line $_; " x 12, 0, 199 } 1 .. 60;
  select undef, undef, undef, .02;
}
`;

async function desktopFigures(app: RunningApp, zap: ZapCommand, print: Print): Promise<void> {
  const { page } = app;
  await open(app, 'bench-desk', 'desktop', '.desktop-screen');
  await zap.json('pod', 'exec', 'bench-desk', '--detach', '--', 'bash', '-lc', 'exec "$@"', 'sh', 'xterm', '-geometry', '200x60+0+0', '-e', 'perl', '-e', animation);
  await delay(2_000);
  await page.evaluate(() => {
    const context = document.querySelector<HTMLCanvasElement>('.desktop-screen canvas')!.getContext('2d')!;
    const draw = context.drawImage.bind(context) as (...args: unknown[]) => void;
    const watched = window as unknown as Watched;
    watched.updates = 0;
    context.drawImage = (...args: unknown[]) => {
      watched.updates++; // the viewer paints its canvas once for each update
      draw(...args);
    };
  });
  await page.evaluate(watchFrames);
  const perSecond: number[] = [];
  for (let second = 0; second < WATCH_MS / 1000; second++) {
    const before = await page.evaluate(() => ({ updates: (window as unknown as Watched).updates, atMs: performance.now() }));
    await delay(1_000);
    const after = await page.evaluate(() => ({ updates: (window as unknown as Watched).updates, atMs: performance.now() }));
    perSecond.push(((after.updates - before.updates) / (after.atMs - before.atMs)) * 1000);
  }
  print('app.desktop-updates', 'updates/s', perSecond);
  print('app.desktop-updates.longest-frame', 'ms', [await page.evaluate(() => (window as unknown as Watched).longestFrameMs)]);
  await zap.json('pod', 'exec', 'bench-desk', '--', 'pkill', '-x', 'xterm');
  await pauseFigures(app, zap, print);
}

/** From the veil's reason to the whole picture of the new host, as the window sees it. */
async function pauseFigures(app: RunningApp, zap: ZapCommand, print: Print): Promise<void> {
  const { page } = app;
  const [pausedMs, downtimeMs]: [number[], number[]] = [[], []];
  for (let hop = 0; hop < PAUSES; hop++) {
    await page.evaluate(() => {
      const screen = document.querySelector('.desktop-screen')!;
      const watched = window as unknown as Watched;
      watched.pauseMs = 0;
      let sinceMs = 0;
      const observer = new MutationObserver(() => {
        const state = screen.getAttribute('data-state');
        if (state === 'paused' && sinceMs === 0) sinceMs = performance.now();
        if (state === 'open' && sinceMs > 0 && watched.pauseMs === 0) watched.pauseMs = performance.now() - sinceMs;
        if (watched.pauseMs > 0) observer.disconnect(); // the next hop is not its own
      });
      observer.observe(screen, { attributes: true, attributeFilter: ['data-state'] });
    });
    downtimeMs.push((await zap.json<{ downtimeMs: number }>('pod', 'move', 'bench-desk', hop % 2 === 0 ? 'beta' : 'alpha')).downtimeMs);
    pausedMs.push(await until('the picture', () => page.evaluate(() => (window as unknown as Watched).pauseMs || undefined)));
  }
  print('app.desktop-pause', 'ms', pausedMs);
  print('app.desktop-pause.downtime', 'ms', downtimeMs);
}

/** One desktop is on screen at a time: after both have been. */
async function memoryFigures(app: RunningApp, print: Print): Promise<void> {
  await open(app, 'bench-other', 'desktop', '.desktop-screen');
  await delay(2_000);
  print('app.memory-two-desktops', 'bytes', [await memoryBytes(app.app)]);
}

interface Watched {
  longestFrameMs: number;
  updates: number;
  pauseMs: number;
}

function watchFrames(): void {
  const watched = window as unknown as Watched;
  watched.longestFrameMs = 0;
  let lastMs = performance.now();
  const look = (nowMs: number): void => {
    watched.longestFrameMs = Math.max(watched.longestFrameMs, nowMs - lastMs);
    lastMs = nowMs;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}
