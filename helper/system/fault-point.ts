/**
 * Named moments at which a lab can stop a helper or make it fail.
 *
 * A lab that wants to makes /run/zap/faults, which only root can, before the helper starts; everywhere else this is one look for a directory at start. A
 * file there with the moment's name stops the first helper that comes by until the lab takes `NAME.reached` away; one that holds an errno's name makes
 * the moment fail with it. Stopping is blocking: a stopped helper answers nothing, as one that hangs.
 */
import { appendFileSync, existsSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';

export const faultDirectory = '/run/zap/faults';
const pollMs = 3;
const isArmed = existsSync(faultDirectory) && isRootsAlone(faultDirectory);

function isRootsAlone(path: string): boolean {
  const { uid, mode } = statSync(path);
  return uid === 0 && (mode & 0o077) === 0;
}

export function reach(moment: string): void {
  if (isArmed) come(moment.replaceAll(/[^a-z0-9]+/gi, '-'));
}

/** Whether the lab wants what works by itself to wait there; for as long as its file is there. */
export function isHeldBack(moment: string): boolean {
  return isArmed && existsSync(join(faultDirectory, moment.replaceAll(/[^a-z0-9]+/gi, '-')));
}

function come(name: string): void {
  const path = join(faultDirectory, name);
  const reached = `${path}.reached`;
  let order: string;
  try {
    order = readFileSync(path, 'utf8').trim();
    if (order === '') {
      appendFileSync(path, String(process.pid));
      renameSync(path, reached);
    } else renameSync(path, `${path}.failed`);
  } catch {
    return; // no order, or another helper took it
  }
  if (order !== '') throw Object.assign(new Error(`${order}: injected at ${name}`), { code: order });
  const clock = new Int32Array(new SharedArrayBuffer(4));
  while (existsSync(reached)) Atomics.wait(clock, 0, 0, pollMs);
}
