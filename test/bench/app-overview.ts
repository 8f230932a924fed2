/** The overview with 50 hosts and 500 PODs: frames while it scrolls and while a card is dragged, and what an update of all PODs costs. */
import { FakeWindow } from '../app/support/fake-window';
import { spentWhile } from './app-processes';
import type { Print } from './app';

const SCROLL_MS = 2000;
/** A quick fling. */
const SCROLL_PX_PER_S = 3000;
const RUNS = 3;
const UPDATES = 30;

export async function overviewFigures(print: Print): Promise<void> {
  const ui = await FakeWindow.open('large');
  try {
    await ui.page.waitForTimeout(1000);
    await movement(ui, print, 'app.overview-scroll', () => framesWhile(ui, 'scroll'));
    await movement(ui, print, 'app.overview-drag', () => framesWhileDragging(ui));
    await ui.show('large');
    await ui.page.waitForTimeout(500);
    print('app.update-500-pods', 'ms', await updateCosts(ui, 'state'));
    print('app.samples-500-pods', 'ms', await updateCosts(ui, 'samples'));
    await ui.show('large'); // whose numbers of changes begin anew: it would take the next for an old one
    await ui.page.evaluate(() => window.zap.call('settings.change', { overview: 'list' }));
    await ui.page.waitForSelector('.table-row');
    print('app.list-update-500-pods', 'ms', await updateCosts(ui, 'state'));
  } finally {
    await ui.close();
  }
}

interface Frames {
  count: number;
  elapsedMs: number;
}

/** Frames a second, and what each took of the processors: by the page itself, and by what paints where no graphics card does. */
async function movement(ui: FakeWindow, print: Print, metric: string, run: () => Promise<Frames>): Promise<void> {
  const [rates, page, raster, display]: [number[], number[], number[], number[]] = [[], [], [], []];
  for (let nth = 0; nth < RUNS; nth++) {
    let frames!: Frames;
    const spent = await spentWhile(ui.app, async () => void (frames = await run()));
    rates.push((frames.count / frames.elapsedMs) * 1000);
    for (const [list, ms] of [[page, spent.page], [raster, spent.raster], [display, spent.display]] as const) list.push(ms / frames.count);
  }
  print(metric, 'frames/s', rates);
  print(`${metric}.frame-page`, 'ms', page);
  print(`${metric}.frame-raster`, 'ms', raster);
  print(`${metric}.frame-display`, 'ms', display);
}

/** All frames are counted: a long one is a lost one. */
function framesWhile(ui: FakeWindow, what: 'scroll' | 'watch'): Promise<Frames> {
  return ui.page.evaluate(
    ([action, durationMs, pxPerS]) =>
      new Promise<Frames>((resolve) => {
        const columns = document.querySelector('.columns')!;
        const startMs = performance.now();
        let frames = 0;
        const step = (): void => {
          const elapsedMs = performance.now() - startMs;
          if (action === 'scroll') {
            columns.scrollLeft = (Math.min(elapsedMs, durationMs - elapsedMs) / 1000) * pxPerS;
          }
          frames++;
          if (elapsedMs < durationMs) requestAnimationFrame(step);
          else resolve({ count: frames, elapsedMs });
        };
        requestAnimationFrame(step);
      }),
    [what, SCROLL_MS, SCROLL_PX_PER_S] as const,
  );
}

async function framesWhileDragging(ui: FakeWindow): Promise<Frames> {
  const { mouse } = ui.page;
  await ui.page.evaluate(() => document.querySelector('.columns')!.scrollTo(0, 0));
  const box = (await ui.page.locator('[role="row"][data-key]').first().boundingBox())!;
  await mouse.move(box.x + 80, box.y + 40);
  await mouse.down();
  await mouse.move(box.x + 120, box.y + 60, { steps: 4 });
  const counted = framesWhile(ui, 'watch');
  const endMs = Date.now() + SCROLL_MS;
  while (Date.now() < endMs) {
    await mouse.move(700, 300, { steps: 20 });
    await mouse.move(1300, 500, { steps: 20 });
  }
  const frames = await counted;
  await mouse.move(box.x + 80, box.y + 40);
  await mouse.up();
  await ui.page.keyboard.press('Escape');
  return frames;
}

/** From the event to the finished layout: what is heard, rendered and placed. */
function updateCosts(ui: FakeWindow, kind: 'state' | 'samples'): Promise<number[]> {
  return ui.page.evaluate(
    async ([what, count]) => {
      const costs: number[] = [];
      const { fake } = window;
      let revision = fake.state.revision;
      for (let round = 0; round < count; round++) {
        const atMs = Date.now();
        const changes = fake.state.pods.map((pod, index) => ({ kind: 'pod' as const, pod: { ...pod, address: `10.9.${round}.${index % 250}`, state: { kind: 'running' as const, since: new Date(atMs - index * 1000 - round * 60_000).toISOString() } } }));
        const samples = fake.state.pods.map(({ id }, index) => ({ pod: id, atMs, cpuShare: ((index + round) % 10) / 10, memoryBytes: 1e6 * (index + round), layerBytes: 0, processes: 1, connections: 0 }));
        await new Promise((resolve) => requestAnimationFrame(resolve));
        const startMs = performance.now();
        if (what === 'state') fake.deliver('state', { revision: ++revision, changes });
        else fake.deliver('samples', { pods: samples, hosts: [] });
        await Promise.resolve(); // React renders what was heard behind the event
        document.body.getBoundingClientRect();
        costs.push(performance.now() - startMs);
        await new Promise((resolve) => setTimeout(resolve, 60));
      }
      return costs;
    },
    [kind, UPDATES] as const,
  );
}
