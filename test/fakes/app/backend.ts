/**
 * The services, in memory: the window's calls answered at its bridge, each checked against the contract in both directions.
 *
 * Nothing happens by itself: a test says when a task goes on and how it ends.
 */
import {
  calls, events, type CallInput, type CallName, type CallOutput, type CallResult, type Change, type EventData, type EventName, type Failure, type Plan, type PodView, type Snapshot, type StreamName, type Task, type TaskProgress,
} from '../../../main/contract';
import { planFor } from './plans';

export type Answers = { [N in CallName]?: (input: CallInput<N>) => CallOutput<N> | Promise<CallOutput<N>> };

export class FakeFailure extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
  }
}

export class FakeBackend {
  /** What was asked, to be looked at by tests. */
  readonly asked: { name: CallName; input: unknown }[] = [];
  /** What a test answers in place of the usual. */
  answers: Answers = {};
  readonly ports = new Map<StreamName, MessagePort>();
  private readonly listeners = new Map<EventName, Set<(data: never) => void>>();
  private nextTask = 1;

  constructor(public state: Snapshot) {}

  async call<N extends CallName>(name: N, input: CallInput<N>): Promise<CallResult<CallOutput<N>>> {
    const parsed = calls[name].in.safeParse(structuredClone(input));
    if (!parsed.success) return { ok: false, error: { code: 'usage/bad-input', message: `${name}: ${parsed.error.message}` } };
    this.asked.push({ name, input: parsed.data });
    try {
      const answer = this.answers[name] ?? this.usual[name];
      const output: unknown = await (answer as ((input: unknown) => unknown) | undefined)?.(parsed.data);
      return { ok: true, value: structuredClone(calls[name].out.parse(output ?? {})) as CallOutput<N> };
    } catch (error) {
      return { ok: false, error: error instanceof FakeFailure ? error.failure : { code: 'internal/unexpected', message: String(error) } };
    }
  }

  listen<N extends EventName>(name: N, onEvent: (data: EventData<N>) => void): () => void {
    const set = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, set.add(onEvent as (data: never) => void));
    return () => void set.delete(onEvent as (data: never) => void);
  }

  async connect(name: StreamName, _input: unknown, id: string): Promise<CallResult<null>> {
    const { port1, port2 } = new MessageChannel();
    this.ports.set(name, port1);
    port1.start();
    window.postMessage({ zapStream: id }, '*', [port2]);
    return { ok: true, value: null };
  }

  tell<N extends EventName>(name: N, data: EventData<N>): void {
    this.deliver(name, events[name].parse(data) as EventData<N>);
  }

  /** As it is: for those who measure what the window does with it. */
  deliver<N extends EventName>(name: N, data: EventData<N>): void {
    for (const listener of this.listeners.get(name) ?? []) (listener as (data: EventData<N>) => void)(data);
  }

  change(...changes: Change[]): void {
    this.state = changes.reduce(apply, { ...this.state, revision: this.state.revision + 1 });
    this.tell('state', { revision: this.state.revision, changes });
  }

  pod(id: string): PodView {
    const pod = this.state.pods.find((candidate) => candidate.id === id || candidate.name === id);
    if (!pod) throw new FakeFailure({ code: 'pod/not-found', message: `There is no POD called "${id}".` });
    return pod;
  }

  task(id: string): Task {
    return this.state.tasks.find((task) => task.id === id)!;
  }

  begin(kind: Task['kind'], subject: Task['subject'], more: Partial<Task> = {}): { task: string } {
    const task: Task = { id: `task-${this.nextTask++}`, kind, subject, createdAtMs: Date.now(), state: { kind: 'running', progress: { phase: 'prepare', isCommitted: false } }, canCancel: true, canRepeat: false, ...more };
    const pod = subject.pod === undefined ? undefined : this.pod(subject.pod);
    this.change({ kind: 'task', task }, ...(pod ? [{ kind: 'pod' as const, pod: { ...pod, task: task.id, ...(subject.to === undefined ? {} : { destination: subject.to }) } }] : []));
    return { task: task.id };
  }

  progress(id: string, progress: Partial<TaskProgress>): void {
    const task = this.task(id);
    const before = task.state.kind === 'running' ? task.state.progress : { phase: '', isCommitted: false };
    const next = { ...before, ...progress };
    this.change({ kind: 'task', task: { ...task, canCancel: task.canCancel && !next.isCommitted, state: { kind: 'running', progress: next } } });
  }

  /** Ends a task; a move that is done is where it went. */
  end(id: string, state: Extract<Task['state'], { kind: 'done' | 'failed' | 'cancelled' }>): void {
    const task = this.task(id);
    const changes: Change[] = [{ kind: 'task', task: { ...task, state, canCancel: false, endedAtMs: Date.now() } }];
    if (task.subject.pod !== undefined) {
      const { task: _task, destination: _destination, ...pod } = this.pod(task.subject.pod);
      const host = state.kind === 'done' && task.kind === 'pod.move' ? task.subject.to! : pod.host;
      changes.push({ kind: 'pod', pod: { ...pod, host } });
    }
    this.change(...changes);
  }

  private plans(pod: string): Plan[] {
    return this.state.hosts.map((host) => planFor(this.pod(pod), host));
  }

  private readonly usual: Answers = {
    'state.snapshot': () => this.state,
    'settings.change': (patch) => this.change({ kind: 'settings', settings: { ...this.state.settings, ...(patch as Partial<Snapshot['settings']>) } }) as never,
    'pod.plans': ({ pod }) => ({ plans: this.plans(pod) }),
    'pod.plan': ({ pod, to }) => ({ ...this.plans(pod).find((plan) => plan.to === to)!, isExact: true }),
    'pod.move': ({ pod, to }) => this.begin('pod.move', { pod, podName: this.pod(pod).name, from: this.pod(pod).host, to }),
    'pod.suspend': ({ pod }) => this.begin('pod.suspend', { pod, podName: this.pod(pod).name }),
    'pod.resume': ({ pod, to }) => this.begin('pod.resume', { pod, podName: this.pod(pod).name, host: to ?? this.pod(pod).host }),
    'pod.delete': ({ pod }) => this.begin('pod.delete', { pod, podName: this.pod(pod).name }),
    'pod.recover': ({ pod }) => this.begin('pod.recover', { pod, podName: this.pod(pod).name }),
    'pod.clone': ({ pod, to }) => this.begin('pod.clone', { pod, podName: this.pod(pod).name, to }),
    'pod.create': ({ name, host }) => this.begin('pod.create', { podName: name, host }),
    'pod.rename': ({ pod, name }) => this.change({ kind: 'pod', pod: { ...this.pod(pod), name } }) as never,
    'pod.show': () => ({ usage: { processes: 14, threads: 61, memoryBytes: 148e6, layerBytes: 22e6, layerFiles: 311, tcpConnections: 3, cpuSeconds: 412 }, command: ['startdesktop'], findings: [] }),
    'pod.samples': () => ({ samples: [] }),
    'pod.log': () => ({ files: [{ name: 'session.log', text: 'desktop started\n' }] }),
    'host.add': ({ host }) => this.begin('host.add', { host }),
    'host.connect': ({ host }) => this.begin('host.connect', { host }),
    'host.doctor': ({ host }) => this.begin('host.doctor', { host }),
    'host.fix': ({ host }) => this.begin('host.fix', { host }),
    'host.upgrade': ({ host }) => this.begin('host.upgrade', { host }),
    'host.uninstall': ({ host }) => this.begin('host.uninstall', { host }),
    'host.evacuate': ({ host }) => this.begin('host.evacuate', { host }),
    'host.remove': ({ host }) => this.change({ kind: 'host-gone', host }) as never,
    'host.samples': () => ({ samples: [] }),
    'host.log': () => ({ text: 'connected\nhelper started\n' }),
    'environment.build': ({ host, recipe }) => this.begin('environment.build', { host, environment: recipe }),
    'environment.remove': ({ host, environment }) => this.begin('environment.remove', { host, environment }),
    'task.cancel': ({ task }) => this.end(task, { kind: 'cancelled', whereabouts: { host: this.task(task).subject.from ?? 'alpha', state: 'running' } }) as never,
    'task.repeat': ({ task }) => this.begin(this.task(task).kind, this.task(task).subject),
    'task.log': ({ task }) => ({ text: `${this.task(task).kind}\nprepare 12 ms\n` }),
    'task.history': () => ({ tasks: [] }),
    'app.diagnostics': () => ({ text: 'Zap 0.1.0\n' }),
    'prompt.answer': ({ prompt }) => this.change({ kind: 'prompt-gone', prompt }) as never,
  };
}

function apply(state: Snapshot, change: Change): Snapshot {
  const put = <T>(list: readonly T[], item: T, isSame: (other: T) => boolean): T[] => [...list.filter((other) => !isSame(other)), item];
  switch (change.kind) {
    case 'host':
      return { ...state, hosts: put(state.hosts, change.host, ({ name }) => name === change.host.name) };
    case 'host-gone':
      return { ...state, hosts: state.hosts.filter(({ name }) => name !== change.host) };
    case 'pod':
      return { ...state, pods: put(state.pods, change.pod, ({ id }) => id === change.pod.id) };
    case 'pod-gone':
      return { ...state, pods: state.pods.filter(({ id }) => id !== change.pod) };
    case 'task':
      return { ...state, tasks: put(state.tasks, change.task, ({ id }) => id === change.task.id) };
    case 'task-gone':
      return { ...state, tasks: state.tasks.filter(({ id }) => id !== change.task) };
    case 'prompt':
      return { ...state, prompts: put(state.prompts, change.prompt, ({ id }) => id === change.prompt.id) };
    case 'prompt-gone':
      return { ...state, prompts: state.prompts.filter(({ id }) => id !== change.prompt) };
    case 'suggestions':
      return { ...state, suggestions: change.suggestions };
    case 'settings':
      return { ...state, settings: change.settings };
  }
}
