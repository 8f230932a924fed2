/** Where the window was, kept for the next start; a place that no screen shows any more is forgotten. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';

const WindowState = z.strictObject({ version: z.literal(1), x: z.number().int(), y: z.number().int(), width: z.number().int().min(640).max(16_384), height: z.number().int().min(480).max(16_384), isMaximized: z.boolean() });
export type WindowState = Omit<z.infer<typeof WindowState>, 'version'>;

export interface Area {
  x: number;
  y: number;
  width: number;
  height: number;
}

const usual = { width: 1280, height: 820, isMaximized: false } as const;
/** So much of its top must be on a screen that it can be taken hold of. */
const GRIP_PX = 80;

export function readWindowState(file: string, screens: readonly Area[]): Omit<WindowState, 'x' | 'y'> & Partial<WindowState> {
  try {
    const { version: _, ...state } = WindowState.parse(JSON.parse(readFileSync(file, 'utf8')));
    return isInReach(state, screens) ? state : { ...usual, width: state.width, height: state.height, isMaximized: state.isMaximized };
  } catch {
    return usual; // none yet, or not ours: the usual place will do
  }
}

export function writeWindowState(file: string, state: WindowState): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.partial`, JSON.stringify({ version: 1, ...state }), { mode: 0o600 });
  renameSync(`${file}.partial`, file);
}

function isInReach({ x, y, width }: Area, screens: readonly Area[]): boolean {
  return screens.some((screen) => Math.min(x + width, screen.x + screen.width) - Math.max(x, screen.x) >= GRIP_PX && y >= screen.y && y <= screen.y + screen.height - GRIP_PX);
}
