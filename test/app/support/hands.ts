/** Eyes and hands for the fake's window: what the tests of the user interface look at and press. */
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import type { Locator } from 'playwright-core';
import type { CallName } from '../../../main/contract';
import { FakeWindow, type WorldName } from './fake-window';

export const research = '000000000001';
export const notebook = '000000000003';
export const archive = '000000000005';
export const sandbox = '000000000006';
export const parser = '000000000008';

export let ui: FakeWindow;

/** One window for all tests of a file, with its world anew for each. */
export function useWindow(world: WorldName = 'demo'): void {
  beforeAll(async () => {
    ui = await FakeWindow.open(world);
  });
  afterAll(async () => {
    await ui?.close();
  });
  beforeEach(async () => {
    await ui.show(world);
  });
  afterEach(() => {
    expect(ui.errors.splice(0)).toEqual([]);
  });
}

export const card = (id: string): Locator => ui.page.locator(`[role="row"][data-key="${id}"]`);
export const column = (host: string): Locator => ui.page.locator(`[data-host="${host}"]`);
export const dialog = (): Locator => ui.page.getByRole('dialog');
export const button = (name: string): Locator => ui.page.getByRole('button', { name, exact: true });
export const asked = (name: CallName): Promise<unknown[]> => ui.page.evaluate((wanted) => window.fake.asked.filter((call) => call.name === wanted).map(({ input }) => input), name);
export const eventually = <T>(look: () => Promise<T>) => expect.poll(look, { timeout: 10_000 });
export const visible = (text: string): Promise<void> => ui.page.getByText(text).first().waitFor({ timeout: 10_000 });
export const change = (settings: Record<string, unknown>): Promise<unknown> => ui.page.evaluate((patch) => window.zap.call('settings.change', patch as never), settings);
export const clipboard = (): Promise<string> => ui.page.evaluate(() => navigator.clipboard.readText());

/** As the native menu does it: on what is selected, or what the page shows. */
export const command = (id: string): Promise<void> => ui.page.evaluate((name) => window.fake.tell('command', { command: name }), id);

/** Another page of the same world, without loading it anew. */
export const go = (hash: string): Promise<void> => ui.page.evaluate((to) => void (window.location.hash = to), hash);

/** From the menu of a host's page. */
export async function fromMenu(host: string, item: string): Promise<void> {
  await button(`Actions for ${host}`).click();
  await ui.page.getByRole('menuitem', { name: item }).click();
}

export async function beginMoveToBeta(): Promise<void> {
  await card(research).click();
  await ui.page.keyboard.press('Control+m');
  await ui.page.getByRole('option', { name: /beta/ }).click();
  await button('Move').click();
  await column('beta').getByRole('note').waitFor();
}
