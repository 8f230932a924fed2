/**
 * The demo's last act: the same in the app.
 *
 * With a display it opens there and stays open. Without one it runs on a display that nobody sees, a desktop is dragged from one computer to the other by its
 * mouse, and pictures of it are left behind.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ElectronApplication, Page } from 'playwright-core';
import { ZapError } from '../../helper/protocol/errors';
import type { Snapshot, Task, ZapBridge } from '../../main/contract';
import { openDisplay } from '../app/support/display';
import { launchElectron } from '../app/support/launch';

declare const window: { readonly zap: ZapBridge };

const top = join(import.meta.dirname, '..');
const WITHIN_MS = 60_000;

export interface Dragged {
  pictures: string[];
  downtimeMs: number;
  totalMs: number;
}

export function hasDisplay(env: NodeJS.ProcessEnv = process.env): boolean {
  return Boolean(env['DISPLAY'] || env['WAYLAND_DISPLAY']);
}

/** Opens it and lets it be. */
export function openApp(): void {
  spawn(process.execPath, [join(top, 'assets/electron/run.mjs')], { detached: true, stdio: 'ignore' }).unref();
}

/** Drags a POD's card from one host's column to another's, as a person would. */
export async function dragInApp(pod: string, from: string, to: string, signal?: AbortSignal): Promise<Dragged> {
  const executable = await electron();
  const display = await openDisplay();
  let app: ElectronApplication | undefined;
  const close = (): void => void app?.close().catch(() => {});
  signal?.addEventListener('abort', close, { once: true });
  try {
    const { WAYLAND_DISPLAY: _, ...inherited } = process.env;
    const env = { ...inherited, DISPLAY: display.name } as Record<string, string>;
    app = await launchElectron({ executablePath: executable, args: ['--no-sandbox', join(top, 'dist/app')], env }); // root has no sandbox, and only root has a lab
    const page = await app.firstWindow();
    return await drag(page, pod, from, to);
  } finally {
    signal?.removeEventListener('abort', close);
    await app?.close().catch(() => {});
    await display.close();
  }
}

async function drag(page: Page, pod: string, from: string, to: string): Promise<Dragged> {
  page.setDefaultTimeout(WITHIN_MS);
  const pictures: string[] = [];
  const picture = async (name: string): Promise<void> => {
    const path = `demo-app-${name}.png`;
    await page.screenshot({ path });
    pictures.push(path);
  };
  const column = (host: string) => page.locator(`[data-host="${host}"]`);
  const card = column(from).getByRole('row', { name: pod, exact: true });
  await card.waitFor();
  await waitFor(page, `${to} is connected`, ({ hosts }) => hosts.find(({ name }) => name === to)?.connection.kind === 'ready');
  await card.locator('img').waitFor(); // its picture
  await picture('before');

  const [start, end] = [await boxOf(card), await boxOf(column(to))];
  await page.mouse.move(start.x + start.width / 2, start.y + start.height / 3);
  await page.mouse.down();
  await page.mouse.move(start.x + start.width / 2 + 30, start.y + start.height / 3 + 20, { steps: 5 });
  await page.mouse.move(end.x + end.width / 2, end.y + end.height / 2, { steps: 15 });
  await delay(500); // all hosts answer
  await picture('dragging');
  await page.mouse.up();
  const sheet = page.getByRole('dialog');
  await sheet.waitFor();
  await picture('plan');
  await sheet.getByRole('button', { name: 'Move', exact: true }).click();
  await page.locator('.move-progress').first().waitFor();
  await waitFor(page, 'bytes go', (now) => ((state) => state !== undefined && (state.kind !== 'running' || state.progress.bytes !== undefined))(moveOf(now, pod)?.state));
  await picture('during');
  const { tasks } = await waitFor(page, 'the move has ended', (now) => ['done', 'failed', 'cancelled'].includes(moveOf(now, pod)?.state.kind ?? ''));
  const { state } = moveOf({ tasks }, pod)!;
  if (state.kind !== 'done') throw new ZapError('move/failed', `The move in the app came to nothing: ${state.kind === 'failed' ? state.error.message : state.kind}`);
  await column(to).getByRole('row', { name: pod, exact: true }).waitFor();
  await delay(1_500); // its picture comes once a second
  await picture('after');
  return { pictures, downtimeMs: state.outcome.downtimeMs ?? 0, totalMs: state.outcome.totalMs ?? 0 };
}

function moveOf({ tasks }: Pick<Snapshot, 'tasks'>, pod: string): Task | undefined {
  return tasks.filter(({ kind, subject }) => kind === 'pod.move' && subject.podName === pod).at(-1);
}

async function waitFor(page: Page, what: string, isSo: (snapshot: Snapshot) => boolean): Promise<Snapshot> {
  const giveUpMs = Date.now() + WITHIN_MS;
  for (;;) {
    const result = await page.evaluate(() => window.zap.call('state.snapshot', {}));
    if (result.ok && isSo(result.value)) return result.value;
    if (Date.now() > giveUpMs) throw new ZapError('internal/unexpected', `${what}: not within ${WITHIN_MS / 1000} s.`);
    await delay(50);
  }
}

async function boxOf(locator: ReturnType<Page['locator']>): Promise<{ x: number; y: number; width: number; height: number }> {
  const box = await locator.boundingBox();
  if (!box) throw new ZapError('internal/unexpected', 'What is to be dragged is not on the screen.');
  return box;
}

/** The executable's path; what it says on the way is for people. */
async function electron(): Promise<string> {
  const child = spawn(process.execPath, [join(top, 'assets/electron/resolve.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] });
  let path = '';
  child.stdout.on('data', (chunk: Buffer) => (path += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code !== 0) throw new ZapError('internal/unexpected', 'There is no Electron on this machine.');
  return path.trim();
}
