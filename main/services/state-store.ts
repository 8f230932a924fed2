/**
 * What the user interface sees, and how it learns of changes: a snapshot with a number, then changes with higher ones.
 *
 * Changes within a moment go together, the last one of each thing counts, and what is as it was is no change.
 */
import type { Change, EventData, Host, HostSuggestion, PodView, Prompt, RecipeView, Settings, Snapshot, Task } from '../contract';

type Parts = Omit<Snapshot, 'revision'>;

const GATHER_MS = 30;

export class StateStore {
  private revision = 0;
  private readonly hosts = new Map<string, Host>();
  private readonly pods = new Map<string, PodView>();
  private readonly tasks = new Map<string, Task>();
  private readonly prompts = new Map<string, Prompt>();
  private suggestions: HostSuggestion[] = [];
  private pending = new Map<string, Change>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private settings: Settings,
    private readonly recipes: RecipeView[],
    private readonly app: Snapshot['app'],
    private readonly emit: (event: EventData<'state'>) => void,
  ) {}

  snapshot(): Snapshot {
    this.flush();
    const parts: Parts = {
      hosts: [...this.hosts.values()], suggestions: this.suggestions, pods: [...this.pods.values()], recipes: this.recipes, tasks: [...this.tasks.values()], prompts: [...this.prompts.values()], settings: this.settings, app: this.app,
    };
    return { revision: this.revision, ...parts };
  }

  get allHosts(): Host[] {
    return [...this.hosts.values()];
  }

  get allPods(): PodView[] {
    return [...this.pods.values()];
  }

  pod(id: string): PodView | undefined {
    return this.pods.get(id);
  }

  putHost(host: Host): void {
    this.put(this.hosts, host.name, host, { kind: 'host', host });
  }

  dropHost(host: string): void {
    if (this.hosts.delete(host)) this.add(`host ${host}`, { kind: 'host-gone', host });
  }

  putPod(pod: PodView): void {
    this.put(this.pods, pod.id, pod, { kind: 'pod', pod });
  }

  dropPod(pod: string): void {
    if (this.pods.delete(pod)) this.add(`pod ${pod}`, { kind: 'pod-gone', pod });
  }

  putTask(task: Task): void {
    this.put(this.tasks, task.id, task, { kind: 'task', task });
  }

  dropTask(task: string): void {
    if (this.tasks.delete(task)) this.add(`task ${task}`, { kind: 'task-gone', task });
  }

  putPrompt(prompt: Prompt): void {
    this.put(this.prompts, prompt.id, prompt, { kind: 'prompt', prompt });
  }

  dropPrompt(prompt: string): void {
    if (this.prompts.delete(prompt)) this.add(`prompt ${prompt}`, { kind: 'prompt-gone', prompt });
  }

  setSuggestions(suggestions: HostSuggestion[]): void {
    if (isSame(this.suggestions, suggestions)) return;
    this.suggestions = suggestions;
    this.add('suggestions', { kind: 'suggestions', suggestions });
  }

  setSettings(settings: Settings): void {
    this.settings = settings;
    this.add('settings', { kind: 'settings', settings });
  }

  close(): void {
    clearTimeout(this.timer);
  }

  private put<T>(map: Map<string, T>, key: string, value: T, change: Change): void {
    const before = map.get(key);
    if (before !== undefined && isSame(before, value)) return;
    map.set(key, value);
    this.add(`${change.kind} ${key}`, change);
  }

  private add(key: string, change: Change): void {
    this.pending.delete(key); // its place is that of the last one
    this.pending.set(key, change);
    this.timer ??= setTimeout(() => this.flush(), GATHER_MS);
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.pending.size === 0) return;
    const changes = [...this.pending.values()];
    this.pending = new Map();
    this.emit({ revision: ++this.revision, changes });
  }
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
