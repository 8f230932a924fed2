/** A move that is watched from within the POD and by a client outside. */
import { setTimeout as delay } from 'node:timers/promises';
import { withClient } from './outside';
import type { Place, Scenario } from './scenarios';
import { echoProgram, longestGapMs, tickerFile, tickerProgram } from './ticker';

/** Between two moves the programs live a little. */
const restMs = 500;

export interface Watched<T> {
  insideMs: number;
  outsideMs: number;
  result: T;
}

export async function startWatchers(place: Place): Promise<void> {
  await place.exec(['perl', '-e', tickerProgram], { detach: true });
  await place.exec(['perl', '-e', echoProgram], { detach: true });
}

export async function watch<T>(scenario: Scenario, place: Place, move: () => Promise<T>, signal?: AbortSignal): Promise<Watched<T>> {
  await delay(restMs, undefined, signal ? { signal } : {});
  const startedMs = Date.now();
  const { result, longestMs } = await withClient(place.address, () => (scenario.during ? scenario.during(place, move) : move()));
  return { insideMs: longestGapMs(await place.exec(['cat', tickerFile]), startedMs), outsideMs: longestMs, result };
}
