/**
 * Keeps asking a host that is connected: its PODs often, its facts and environments now and then.
 *
 * A helper has nothing to say of itself; it is asked less often when nobody looks.
 */
import type { EnvironmentInfo, HostSample } from '../contract';
import type { Facts } from '../../helper/protocol/contract';
import { ZapError } from '../../helper/protocol/errors';
import type { HelperClient } from '../helper-client/client';
import type { FactsCache } from '../helper-client/facts-cache';
import type { Pod } from '../pods/locate';

export interface WatchEvents {
  onPods: (pods: Pod[]) => void;
  onFacts: (facts: Facts, sample: HostSample) => void;
  onEnvironments: (environments: EnvironmentInfo[]) => void;
  onTrouble: (error: ZapError) => void;
}

const PODS_INTERVAL_MS = 1_500;
const UNWATCHED_INTERVAL_MS = 15_000;
const FACTS_INTERVAL_MS = 10_000;

export class HostWatch implements Disposable {
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;
  private asking: Promise<void> | undefined;
  private wantsAgain = false;
  private factsAtMs = 0;
  /** Most answers are the one before again. */
  private lastPods: string | undefined;

  constructor(
    private readonly client: HelperClient,
    private readonly facts: FactsCache,
    private readonly isWatched: () => boolean,
    private readonly events: WatchEvents,
  ) {
    void this.refresh({ isThorough: true });
  }

  /** Asks now; `isThorough` asks for facts and environments too. Resolves when an answer that is newer than this call is in. */
  async refresh({ isThorough = false } = {}): Promise<void> {
    if (isThorough) this.factsAtMs = 0;
    if (this.asking) {
      this.wantsAgain = true;
      await this.asking;
      return this.asking;
    }
    clearTimeout(this.timer);
    this.asking = this.ask().finally(() => {
      this.asking = undefined;
      if (this.isStopped) return;
      if (this.wantsAgain) {
        this.wantsAgain = false;
        void this.refresh();
      } else this.timer = setTimeout(() => void this.refresh(), this.isWatched() ? PODS_INTERVAL_MS : UNWATCHED_INTERVAL_MS);
    });
    return this.asking;
  }

  [Symbol.dispose](): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  private async ask(): Promise<void> {
    const { client, events } = this;
    try {
      const { pods } = await client.call('pod.list', {});
      if (this.isStopped) return;
      const said = JSON.stringify(pods);
      if (said !== this.lastPods) events.onPods(pods);
      this.lastPods = said;
      if (Date.now() - this.factsAtMs < FACTS_INTERVAL_MS) return;
      this.factsAtMs = Date.now();
      const [{ facts }, { environments }] = await Promise.all([this.facts.get(client.host, { isForced: true }), client.call('environment.list', {})]);
      if (this.isStopped) return;
      events.onFacts(facts, { host: client.host, atMs: Date.now(), loadAverage: facts.loadAverage, memoryFreeBytes: facts.memoryFreeBytes });
      events.onEnvironments(environments);
    } catch (error) {
      if (!this.isStopped) events.onTrouble(ZapError.from(error)); // a lost connection is told by the connection
    }
  }
}
