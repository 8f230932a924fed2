/** A helper that is to stand still at a named moment (helper/system/fault-point.ts). Helpers look for orders when they start: none may be there yet. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostView } from './host-view';
import { until } from './until';

const faults = 'run/zap/faults';

export interface Moment {
  reached: () => Promise<unknown>;
  goOn: () => void;
}

export async function stopAt(view: HostView, name: string): Promise<Moment> {
  await until(`no helper on ${view.name}`, async () => (await view.programs('zap-helper')).length === 0, { withinMs: 30_000 });
  const directory = view.path(faults);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const order = join(directory, name);
  writeFileSync(order, '');
  return {
    reached: () => until(`${view.name} at ${name}`, () => existsSync(`${order}.reached`), { withinMs: 30_000, everyMs: 2 }),
    goOn: () => rmSync(`${order}.reached`, { force: true }),
  };
}

export function forgetMoments(view: HostView): void {
  rmSync(view.path(faults), { recursive: true, force: true });
}
