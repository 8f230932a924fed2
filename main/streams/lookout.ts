/**
 * Where a POD is now, for whoever waits for it to go on.
 *
 * The first host that says it runs there is believed at once; others may take their time, or never answer. What is not there is known only when all have said so.
 */
import type { HelperClient } from '../helper-client/client';
import type { Pod } from '../pods/locate';

export interface Hosts {
  readonly hosts: readonly string[];
  client(host: string, signal?: AbortSignal): Promise<HelperClient>;
}

export type Sighting =
  | { kind: 'alive'; host: string; client: HelperClient }
  | { kind: 'moving' }
  | { kind: 'suspended' }
  | { kind: 'unreachable' }
  /** A host that may have it has not answered yet. */
  | { kind: 'waiting' }
  /** Its processes have ended. */
  | { kind: 'dead'; state: Pod['state'] }
  | { kind: 'unknown' };

/** A host slower than this is taken up in the next look. */
const ANSWER_TIMEOUT_MS = 700;

/** Asks of one POD, again and again: a host that still owes an answer is not asked another time. */
export class Lookout {
  private readonly asked = new Map<string, Promise<Answer>>();

  constructor(
    private readonly hosts: Hosts,
    private readonly id: string,
    private readonly signal: AbortSignal,
  ) {}

  async look(): Promise<Sighting> {
    const answers: Answer[] = [];
    const pending = this.hosts.hosts.map((host) => this.ask(host));
    return await new Promise<Sighting>((resolve) => {
      let open = pending.length;
      const timer = setTimeout(() => resolve(judge([...answers, { kind: 'pending' }])), ANSWER_TIMEOUT_MS);
      const conclude = (sighting: Sighting): void => {
        clearTimeout(timer);
        resolve(sighting);
      };
      if (open === 0) conclude({ kind: 'unknown' });
      const weigh = async (answer: Promise<Answer>): Promise<void> => {
        const said = await answer;
        answers.push(said);
        if (said.kind === 'has' && said.pod.state.kind === 'running') conclude({ kind: 'alive', host: said.host, client: said.client });
        else if (--open === 0) conclude(judge(answers));
      };
      for (const answer of pending) void weigh(answer);
    });
  }

  private ask(host: string): Promise<Answer> {
    let asking = this.asked.get(host);
    if (!asking) {
      asking = this.answerOf(host).finally(() => this.asked.delete(host));
      this.asked.set(host, asking);
    }
    return asking;
  }

  private async answerOf(host: string): Promise<Answer> {
    try {
      const client = await this.hosts.client(host, this.signal);
      const { pods } = await client.call('pod.list', {}, { signal: this.signal });
      const pod = pods.find(({ id }) => id === this.id);
      return pod ? { kind: 'has', host, client, pod } : { kind: 'has-not' };
    } catch {
      return { kind: 'silent' }; // why, the host's own page tells
    }
  }
}

type Answer = { kind: 'has'; host: string; client: HelperClient; pod: Pod } | { kind: 'has-not' } | { kind: 'silent' } | { kind: 'pending' };

function judge(answers: readonly Answer[]): Sighting {
  const having = answers.filter((answer) => answer.kind === 'has');
  const one = (kind: Pod['state']['kind']): (typeof having)[number] | undefined => having.find(({ pod }) => pod.state.kind === kind);
  const alive = one('running') ?? having.find(({ pod: { state } }) => state.kind === 'moving' && state.role === 'source'); // until its freeze that one runs
  if (alive) return { kind: 'alive', host: alive.host, client: alive.client };
  if (one('moving')) return { kind: 'moving' };
  if (one('suspended')) return { kind: 'suspended' };
  if (answers.some(({ kind }) => kind === 'pending')) return { kind: 'waiting' };
  if (answers.some(({ kind }) => kind === 'silent') || one('in-doubt')) return { kind: 'unreachable' };
  const dead = one('exited') ?? one('lost');
  return dead ? { kind: 'dead', state: dead.pod.state } : { kind: 'unknown' };
}
