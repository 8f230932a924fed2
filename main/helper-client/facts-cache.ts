/** What the hosts said about themselves last, so that a pair of them can be judged at once; asked again when it is old. */
import type { HelperClient } from './client';
import type { Fleet } from './fleet';
import { cpuDifference, cpuFindings, missingInstructionSets, pairFindings, type CpuDifference, type Finding, type KnownFacts } from './pair';

const FRESH_MS = 30_000;
/** PODs come and go. */
const MAX_DIFFERENCES = 500;

interface Entry {
  known: KnownFacts;
  atMs: number;
}

export type PairAnswer =
  | { kind: 'known'; findings: Finding[]; ageMs: number }
  /** Not asked yet, or not to be reached. */
  | { kind: 'unknown'; missing: string[] };

export class FactsCache {
  private readonly entries = new Map<string, Entry>();
  private readonly differences = new Map<string, { atMs: number; difference: CpuDifference | undefined }>();
  private readonly asking = new Map<string, Promise<KnownFacts>>();

  constructor(
    private readonly fleet: Pick<Fleet, 'client'>,
    private readonly freshMs = FRESH_MS,
  ) {}

  /** Asks the host unless its facts are fresh. */
  async get(host: string, options: { signal?: AbortSignal | undefined; isForced?: boolean } = {}): Promise<KnownFacts> {
    const entry = this.entries.get(host);
    if (entry && !options.isForced && Date.now() - entry.atMs < this.freshMs) return entry.known;
    let asked = this.asking.get(host);
    if (!asked) {
      asked = this.ask(host, options.signal).finally(() => this.asking.delete(host));
      this.asking.set(host, asked);
    }
    return asked;
  }

  /**
   * Answers at once from what is known; what is old is asked for again meanwhile.
   *
   * With the id of a running POD on `from`, a difference between the processors is told by what its programs use, once that is known.
   */
  pair(from: string, to: string, pod?: string): PairAnswer {
    const [a, b] = [this.entries.get(from), this.entries.get(to)];
    for (const host of [from, to]) void this.get(host).catch(() => {}); // the next answer is the better for it
    if (!a || !b) return { kind: 'unknown', missing: [...(a ? [] : [from]), ...(b ? [] : [to])] };
    const findings = pairFindings(a.known, b.known);
    const difference = pod === undefined ? undefined : this.programs(a.known, b.known, pod);
    return {
      kind: 'known',
      findings: difference ? [...cpuFindings(to, difference), ...findings.filter(({ id }) => id !== 'pair/cpu-features')] : findings,
      ageMs: Date.now() - Math.min(a.atMs, b.atMs),
    };
  }

  /** What the POD's programs use of what the other processor lacks; asked for meanwhile when it is old. */
  private programs(from: KnownFacts, to: KnownFacts, pod: string): CpuDifference | undefined {
    const missing = from.facts.arch === to.facts.arch ? missingInstructionSets(from.facts, to.facts) : [];
    if (missing.length === 0) return undefined;
    const key = [from.host, pod, ...missing].join(' ');
    const known = this.differences.get(key);
    if (!known || Date.now() - known.atMs >= this.freshMs) {
      const entry = { atMs: Date.now(), difference: known?.difference };
      this.differences.set(key, entry); // asked once, whoever else wants to know meanwhile
      const ask = async (): Promise<void> => void (entry.difference = await cpuDifference(await this.fleet.client(from.host), pod, missing));
      ask().catch(() => this.differences.delete(key));
      if (this.differences.size > MAX_DIFFERENCES) this.differences.delete(this.differences.keys().next().value!);
    }
    return known?.difference;
  }

  private async ask(host: string, signal: AbortSignal | undefined): Promise<KnownFacts> {
    try {
      const known = await timedFacts(await this.fleet.client(host, signal), signal);
      this.entries.set(host, { known, atMs: Date.now() });
      return known;
    } catch (error) {
      this.entries.delete(host);
      throw error;
    }
  }
}

export async function timedFacts(client: HelperClient, signal?: AbortSignal): Promise<KnownFacts> {
  const startMs = Date.now();
  const facts = await client.call('host.facts', {}, { signal });
  const endMs = Date.now();
  return { host: client.host, facts, offsetMs: facts.clockMs - (startMs + endMs) / 2, errorMs: (endMs - startMs) / 2 };
}
