/** How long a person waits for the window: from the start of the process until the overview shows what the services know. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppStage } from '../app/support/app';
import type { Print } from './app';

const RUNS = 6;

export async function launchFigures(print: Print): Promise<void> {
  const stage = await AppStage.open();
  const usableMs: number[] = [];
  try {
    // The first warms the disk.
    for (let run = -1; run < RUNS; run++) {
      const home = await mkdtemp(join(tmpdir(), 'zap-bench-app-'));
      const startMs = Date.now();
      const app = await stage.launch(home);
      try {
        await app.page.waitForSelector('.main[aria-busy="false"]');
        const atMs = await app.page.evaluate(() => performance.timeOrigin + performance.getEntriesByName('usable')[0]!.startTime);
        if (run >= 0) usableMs.push(atMs - startMs);
      } finally {
        await app.close();
        await rm(home, { recursive: true, force: true });
      }
    }
  } finally {
    await stage.close();
  }
  print('app.window-usable', 'ms', usableMs);
}
