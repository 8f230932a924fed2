/** The terminal that we run in, lent to a program on a host: raw, its size told when it changes, given back as it was. */
import type { Duplex } from 'node:stream';
import { ZapError } from '../../helper/protocol/errors';
import type { Context } from './context';

export interface WindowSize {
  columns: number;
  rows: number;
}

export function terminalSize(): WindowSize {
  const clamp = (value: number | undefined, fallback: number): number => Math.min(1000, Math.max(1, value || fallback));
  return { columns: clamp(process.stdout.columns, 80), rows: clamp(process.stdout.rows, 24) };
}

export function requireTerminal(context: Context): void {
  if (!context.stdin.isTTY || !context.stdin.setRawMode) throw new ZapError('usage/no-terminal', 'This needs a terminal on standard input.', { hint: 'Use `zap pod exec NAME -- CMD…` for programs.' });
}

/** Sizes for a helper: JSON lines on a lane. */
export function toLane(sizes: Duplex): (size: WindowSize) => void {
  return (size) => void sizes.write(`${JSON.stringify(size)}\n`);
}

/** Raw mode until `restore`. */
export function openTerminal(context: Context, onSize: (size: WindowSize) => void): { restore(): void } {
  requireTerminal(context);
  const onResize = (): void => onSize(terminalSize());
  context.stdin.setRawMode!(true);
  process.stdout.on('resize', onResize);
  return {
    restore: () => {
      process.stdout.off('resize', onResize);
      context.stdin.setRawMode!(false);
    },
  };
}
