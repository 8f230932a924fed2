/** The way to a host as people can follow it: which step, how long it took, where it failed. */
import { connectionSteps, type ConnectionStep } from '../contract';

type StepName = ConnectionStep['name'];

export class ConnectionSteps {
  private readonly names: readonly StepName[];
  private readonly states = new Map<StepName, Omit<ConnectionStep, 'name'>>();
  private running: { name: StepName; sinceMs: number } | undefined;

  constructor(
    isLocal: boolean,
    private readonly nowMs: () => number = Date.now,
  ) {
    this.names = isLocal ? ['start-helper'] : connectionSteps;
  }

  get list(): ConnectionStep[] {
    return this.names.map((name) => ({ name, ...(this.states.get(name) ?? { state: 'waiting' as const }) }));
  }

  /** At a further hop the first steps begin anew. */
  begin(name: StepName): void {
    if (!this.names.includes(name)) return;
    this.finish('done');
    for (const later of this.names.slice(this.names.indexOf(name) + 1)) this.states.delete(later);
    this.running = { name, sinceMs: this.nowMs() };
    this.states.set(name, { state: 'running' });
  }

  detail(text: string): void {
    if (this.running) this.states.set(this.running.name, { ...this.states.get(this.running.name)!, detail: text });
  }

  finish(state: 'done' | 'failed'): void {
    if (!this.running) return;
    const { name, sinceMs } = this.running;
    this.states.set(name, { ...this.states.get(name)!, state, ms: this.nowMs() - sinceMs });
    this.running = undefined;
  }
}
