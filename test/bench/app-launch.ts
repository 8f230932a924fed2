/**
 * How long a person waits for the window: from the start of the process until the overview shows what the services know.
 *
 * The app is started as a person starts it. A debugger that is there from the beginning, as tests have it, holds everything up until it has attached; this one
 * comes when all is over and asks the page when that was.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import { AppStage } from '../app/support/app';
import { until } from '../integration/support/until';
import type { Print } from './app';

const RUNS = 6;
/** Nobody looks meanwhile. */
const QUIET_MS = 3_000;

export async function launchFigures(print: Print): Promise<void> {
  const stage = await AppStage.open();
  const home = await mkdtemp(join(tmpdir(), 'zap-bench-app-'));
  const starts: Start[] = [];
  try {
    // The first warms the disk and fills the caches that a second start finds.
    for (let run = -1; run < RUNS; run++) {
      const start = await launchOnce(stage, home);
      if (run >= 0) starts.push(start);
    }
  } finally {
    await rm(home, { recursive: true, force: true });
    await stage.close();
  }
  print('app.window-usable', 'ms', starts.map(({ usableMs }) => usableMs));
  print('app.window-usable.page-begins', 'ms', starts.map(({ pageMs }) => pageMs));
  print('app.window-usable.page-painted', 'ms', starts.map(({ paintedMs }) => paintedMs));
}

/** All since the process was started. */
interface Start {
  /** The window asks for its page. */
  pageMs: number;
  /** Something of it is painted. */
  paintedMs: number;
  /** It shows what the services know. */
  usableMs: number;
}

async function launchOnce(stage: AppStage, home: string): Promise<Start> {
  const { executable, args, env } = stage.command(home, { args: ['--remote-debugging-port=0'] });
  // There is no bus here, which a desktop has; without this Chromium would try to start one, several times.
  env['DBUS_SESSION_BUS_ADDRESS'] = 'unix:path=/nonexistent';
  const startMs = Date.now();
  const child = spawn(executable, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  try {
    await delay(QUIET_MS);
    const address = await until('the debugger', () => /ws:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0].replace('ws:', 'http:'), { withinMs: 30_000 });
    const browser = await chromium.connectOverCDP(address);
    try {
      const page = browser.contexts()[0]!.pages()[0]!;
      await page.waitForSelector('.main[aria-busy="false"]');
      const [origin, painted, usable] = await page.evaluate(() => [performance.timeOrigin, performance.getEntriesByName('first-contentful-paint')[0]!.startTime, performance.getEntriesByName('usable')[0]!.startTime] as const);
      const pageMs = origin - startMs;
      return { pageMs, paintedMs: pageMs + painted, usableMs: pageMs + Math.max(painted, usable) };
    } finally {
      await browser.close();
    }
  } finally {
    await end(child);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
