/** The demo's desktop POD: what is started in it, and what its counter says. */
import { setTimeout as delay } from 'node:timers/promises';
import { ZapError } from '../../helper/protocol/errors';
import { counterProgram, parseCounter, stateFile, type CounterState } from './counter';
import type { ZapCommand } from './zap-command';

/** A login shell knows the POD's screen; what follows it are arguments, which no shell reads. */
const onScreen = ['bash', '-lc', 'exec "$@"', 'sh'];

const windows = [
  ['xclock', '-title', 'Clock', '-update', '1', '-padding', '12', '-geometry', '200x200-40+40'],
  ['xterm', '-T', 'A program that counts', '-geometry', '76x28+60+70', '-e', 'perl', '-e', counterProgram],
];

const startTimeoutMs = 20_000;

export async function openWindows(zap: ZapCommand, pod: string): Promise<void> {
  for (const window of windows) await zap.json('pod', 'exec', pod, '--detach', '--', ...onScreen, ...window);
}

export async function askCounter(zap: ZapCommand, pod: string): Promise<CounterState> {
  const { exitCode, stdout } = await zap.json<{ exitCode: number; stdout: string }>('pod', 'exec', pod, '--', 'cat', stateFile);
  return parseCounter(exitCode === 0 ? stdout : '');
}

/** Waits until it has counted further than this. */
export async function countPast(zap: ZapCommand, pod: string, count: number): Promise<CounterState> {
  const giveUpMs = Date.now() + startTimeoutMs;
  for (;;) {
    const state = await askCounter(zap, pod);
    if (state.count > count) return state;
    if (Date.now() > giveUpMs) throw new ZapError('pod/silent', `The program that counts in "${pod}" does not go on: it is at ${state.count}.`, { hint: `See \`npx zap pod logs ${pod}\`.` });
    await delay(200);
  }
}
