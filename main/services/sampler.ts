/** What PODs use, measured one after another: looking into a POD costs its host something. */
import type { PodSample, PodView } from '../contract';
import type { HelperClient } from '../helper-client/client';

export interface SamplerOptions {
  pods: () => readonly PodView[];
  client: (host: string) => HelperClient | undefined;
  isWatched: () => boolean;
  onSamples: (samples: PodSample[]) => void;
}

const INTERVAL_MS = 5_000;
const AT_ONCE = 4;
export const KEPT_SAMPLES = 240;

export class Sampler implements Disposable {
  private readonly kept = new Map<string, PodSample[]>();
  private readonly cpu = new Map<string, { atMs: number; seconds: number }>();
  private readonly timer: NodeJS.Timeout;
  private isBusy = false;

  constructor(private readonly options: SamplerOptions) {
    this.timer = setInterval(() => void this.round(), INTERVAL_MS);
  }

  /** Measures soon what was never measured: a plan should not have to guess. */
  notice(pods: readonly PodView[]): void {
    if (pods.some(({ id, state, isStale }) => state.kind === 'running' && !isStale && !this.kept.has(id))) void this.round();
  }

  of(pod: string): PodSample[] {
    return this.kept.get(pod) ?? [];
  }

  [Symbol.dispose](): void {
    clearInterval(this.timer);
  }

  /** All that run, unless nobody looks or the last round still goes on. */
  async round(): Promise<void> {
    if (this.isBusy || !this.options.isWatched()) return;
    this.isBusy = true;
    try {
      const pods = this.options.pods().filter(({ state, isStale, task }) => state.kind === 'running' && !isStale && task === undefined);
      for (const id of this.kept.keys()) if (!pods.some((pod) => pod.id === id)) this.cpu.delete(id);
      const samples: PodSample[] = [];
      const queue = [...pods];
      const work = async (): Promise<void> => {
        for (let pod = queue.shift(); pod; pod = queue.shift()) {
          const sample = await this.measure(pod).catch(() => undefined); // gone meanwhile, or its host
          if (sample) samples.push(sample);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
      if (samples.length > 0) this.options.onSamples(samples);
    } finally {
      this.isBusy = false;
    }
  }

  private async measure(pod: PodView): Promise<PodSample | undefined> {
    const { usage } = (await this.options.client(pod.host)?.call('pod.show', { pod: pod.id })) ?? { usage: null };
    if (!usage) return undefined;
    const atMs = Date.now();
    const before = this.cpu.get(pod.id);
    this.cpu.set(pod.id, { atMs, seconds: usage.cpuSeconds });
    // After a move the count may begin anew.
    const cpuShare = before && usage.cpuSeconds >= before.seconds ? ((usage.cpuSeconds - before.seconds) * 1000) / Math.max(1, atMs - before.atMs) : 0;
    const sample: PodSample = { pod: pod.id, atMs, cpuShare: Math.round(cpuShare * 1000) / 1000, memoryBytes: usage.memoryBytes, layerBytes: usage.layerBytes, processes: usage.processes, connections: usage.tcpConnections };
    this.kept.set(pod.id, [...this.of(pod.id), sample].slice(-KEPT_SAMPLES));
    return sample;
  }
}
