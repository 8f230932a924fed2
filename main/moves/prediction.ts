/**
 * What a move will take, by what earlier ones between the same hosts took.
 *
 * A model that knows sizes alone is wrong by the same factor again and again: processors, link, disk and kind of program differ. So the prediction is the model's,
 * corrected by what came of those moves that are most like the coming one: first the same POD's, then PODs of about its size, the newer the better.
 */
import type { Cost, PastMove } from './history';

export interface Coming {
  pod: string;
  from: string;
  to: string;
  memoryBytes: number;
  modelled: Cost;
  /** Bytes of an environment that the target does not have. */
  environmentBytes: number;
}

export interface Prediction extends Cost {
  /** Moves between these hosts, in this direction, that it rests on. */
  pastMoves: number;
}

const WEIGHED_MOVES = 12;
/** The model's own weight against that of a past move of another POD. */
const MODEL_WEIGHT = 0.05;
/** Where moves of this POD itself are known, the others and the model hardly count. */
const BESIDE_OWN = 0.005;
const OTHER_DIRECTION = 0.5;
/** For each later move of the same POD. What is sent hardly varies, but changes at once when the other host has kept the POD's memory; times vary each time. */
const PER_STEP_BACK: Record<keyof Cost, number> = { downtimeMs: 0.8, totalMs: 0.8, sentBytes: 0.02 };
const PER_STEP_BACK_OF_OTHERS = 0.8;
/** Until an environment was sent between these hosts. */
const ENVIRONMENT_BYTES_PER_MS = 60_000;

export function predict(past: readonly PastMove[], coming: Coming): Prediction {
  const between = past.filter(({ from, to }) => (from === coming.from && to === coming.to) || (from === coming.to && to === coming.from));
  const newestFirst = between.toReversed();
  const factor = (of: keyof Cost): number => correction(of, newestFirst, coming);
  return {
    downtimeMs: Math.round(coming.modelled.downtimeMs * factor('downtimeMs')),
    totalMs: Math.round(coming.modelled.totalMs * factor('totalMs') + environmentMs(between, coming.environmentBytes)),
    sentBytes: Math.round(coming.modelled.sentBytes * factor('sentBytes') + coming.environmentBytes),
    pastMoves: past.filter(({ from, to }) => from === coming.from && to === coming.to).length,
  };
}

/** By how much the model was wrong where it is most like this. */
function correction(of: keyof Cost, newestFirst: readonly PastMove[], coming: Coming): number {
  const used = newestFirst.filter((move) => move.modelled[of] > 0 && move.seen[of] > 0);
  const own = used.filter(({ pod }) => pod === coming.pod);
  const others = used.filter(({ pod }) => pod !== coming.pod);
  const besideOwn = own.length > 0 ? BESIDE_OWN : 1;
  const ranked = [
    ...own.map((move, age) => ({ move, weight: likeness(move, coming) * PER_STEP_BACK[of] ** age })),
    ...others.map((move, age) => ({ move, weight: likeness(move, coming) * besideOwn * PER_STEP_BACK_OF_OTHERS ** age })),
  ].sort((a, b) => b.weight - a.weight).slice(0, WEIGHED_MOVES);
  let [sum, weights] = [0, MODEL_WEIGHT * besideOwn];
  for (const { move, weight } of ranked) {
    sum += weight * Math.log(move.seen[of] / move.modelled[of]);
    weights += weight;
  }
  return Math.exp(sum / weights);
}

function likeness(move: PastMove, coming: Coming): number {
  const sizes = Math.abs(Math.log((move.memoryBytes + 1e6) / (coming.memoryBytes + 1e6)));
  return (move.to === coming.to ? 1 : OTHER_DIRECTION) * Math.exp(-sizes);
}

function environmentMs(between: readonly PastMove[], bytes: number): number {
  if (bytes === 0) return 0;
  const last = between.findLast(({ environment }) => environment !== undefined)?.environment;
  return last ? (bytes * last.ms) / last.bytes : bytes / ENVIRONMENT_BYTES_PER_MS;
}
