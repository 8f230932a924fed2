/** Measured values as one line of a benchmark's output. */
export type Unit = 'ms' | 'ns' | 'bytes' | 'frames/s' | 'updates/s' | 'bytes/s' | 'requests/s' | 'messages/s' | '%' | 'MB/s';

export interface Figure {
  metric: string;
  unit: Unit;
  n: number;
  median: number;
  min: number;
  max: number;
  /** Another way to the same end, measured in the same run. */
  peer?: string;
  peerMedian?: number;
  /** Ours divided by the peer's: below one, ours is the better. */
  ratio?: number;
}

export interface Peer {
  name: string;
  values: readonly number[];
}

export function figure(metric: string, unit: Unit, values: readonly number[], peer?: Peer): Figure {
  if (values.length === 0) throw new Error(`${metric}: nothing was measured`);
  const ours = median(values);
  const line: Figure = { metric, unit, n: values.length, median: round(ours), min: round(Math.min(...values)), max: round(Math.max(...values)) };
  if (!peer || peer.values.length === 0) return line;
  const theirs = median(peer.values);
  return { ...line, peer: peer.name, peerMedian: round(theirs), ratio: Math.round((ours / theirs) * 1000) / 1000 };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function round(value: number): number {
  const steps = Math.abs(value) < 1 ? 1000 : 10;
  return Math.round(value * steps) / steps;
}

/** What could not be measured, and what the program said. */
export interface Failure {
  metric: string;
  peer?: string;
  failed: string;
}
