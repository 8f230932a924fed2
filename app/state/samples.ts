/**
 * Measurements of PODs and hosts, the last few minutes of each.
 *
 * They come for all PODs at once, many times a minute, and most of them are off screen: so each is told only to those who show it, and what shows it draws by
 * itself instead of rendering a tree.
 */
import type { HostSample, PodSample, SamplesEvent } from '../../main/contract';

const KEPT = 90;

export class SampleLog<S extends { atMs: number }> {
  private readonly series = new Map<string, S[]>();
  private readonly listeners = new Map<string, Set<() => void>>();

  add(key: string, sample: S): void {
    const series = this.series.get(key);
    if (!series) this.series.set(key, [sample]);
    else {
      series.push(sample);
      if (series.length > KEPT) series.shift();
    }
    this.listeners.get(key)?.forEach((listener) => listener());
  }

  /** What was measured before this window was there. */
  fill(key: string, samples: readonly S[]): void {
    const known = this.series.get(key) ?? [];
    const firstMs = known[0]?.atMs ?? Infinity;
    this.series.set(key, [...samples.filter(({ atMs }) => atMs < firstMs), ...known].slice(-KEPT));
    this.listeners.get(key)?.forEach((listener) => listener());
  }

  get(key: string): readonly S[] {
    return this.series.get(key) ?? [];
  }

  last(key: string): S | undefined {
    return this.series.get(key)?.at(-1);
  }

  forget(keep: (key: string) => boolean): void {
    for (const key of this.series.keys()) if (!keep(key)) this.series.delete(key);
  }

  subscribe(key: string, listener: () => void): () => void {
    const listeners = this.listeners.get(key) ?? new Set();
    this.listeners.set(key, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.listeners.delete(key);
    };
  }
}

export const podSamples = new SampleLog<PodSample>();
export const hostSamples = new SampleLog<HostSample>();

export function addSamples({ pods, hosts }: SamplesEvent): void {
  for (const sample of pods) podSamples.add(sample.pod, sample);
  for (const sample of hosts) hostSamples.add(sample.host, sample);
}
