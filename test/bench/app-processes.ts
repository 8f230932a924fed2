/**
 * What the app's processes take of the machine: processor time of their threads, and memory.
 *
 * Without a graphics card all that is painted is painted by threads of these processes: beside what our code costs (the page's main thread) stands what a card would do
 * (raster: the page's pieces are painted; display: they are put together).
 */
import { readFile, readdir } from 'node:fs/promises';
import type { ElectronApplication } from 'playwright-core';

export interface ProcessorMs {
  /** The page's own thread: its code, styles, layout, and the lists of what is to be painted. */
  page: number;
  raster: number;
  display: number;
  /** All threads of all processes. */
  all: number;
}

const none: ProcessorMs = { page: 0, raster: 0, display: 0, all: 0 };

/** What was spent while `act` ran. */
export async function spentWhile(app: ElectronApplication, act: () => Promise<void>): Promise<ProcessorMs> {
  const before = await spent(app);
  await act();
  const after = await spent(app);
  return { page: after.page - before.page, raster: after.raster - before.raster, display: after.display - before.display, all: after.all - before.all };
}

async function spent(app: ElectronApplication): Promise<ProcessorMs> {
  const total = { ...none };
  for (const { pid, type } of await processesOf(app)) {
    for (const thread of await readdir(`/proc/${pid}/task`)) {
      const [name, schedule] = await Promise.all([read(`/proc/${pid}/task/${thread}/comm`), read(`/proc/${pid}/task/${thread}/schedstat`)]);
      const ms = Number(schedule.split(' ')[0]) / 1e6;
      total.all += ms;
      if (type === 'Tab' && thread === String(pid)) total.page += ms;
      else if (type === 'Tab' && /^(CompositorTile|ThreadPoolForeg)/.test(name)) total.raster += ms;
      else if (name.startsWith('VizCompositor')) total.display += ms;
    }
  }
  return total;
}

/** Memory that processes share is counted once. */
export async function memoryBytes(app: ElectronApplication): Promise<number> {
  const sizes = await Promise.all((await processesOf(app)).map(async ({ pid }) => Number(/^Pss:\s+(\d+)/m.exec(await read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) * 1024));
  return sizes.reduce((sum, size) => sum + size, 0);
}

function processesOf(app: ElectronApplication): Promise<{ pid: number; type: string }[]> {
  return app.evaluate(({ app: electron }) => electron.getAppMetrics().map(({ pid, type }) => ({ pid, type })));
}

/** A thread may just have ended. */
async function read(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
