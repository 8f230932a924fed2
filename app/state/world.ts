/** A projection of what the services know: replaced by a snapshot, moved on by changes. Nothing else writes to it. */
import { createStore } from 'zustand/vanilla';
import type { Change, Host, HostSuggestion, PodView, Prompt, RecipeView, Settings, Snapshot, StateEvent, Task } from '../../main/contract';
import { defaultSettings } from './default-settings';

export interface World {
  isLoaded: boolean;
  revision: number;
  hosts: Readonly<Record<string, Host>>;
  pods: Readonly<Record<string, PodView>>;
  tasks: Readonly<Record<string, Task>>;
  prompts: readonly Prompt[];
  suggestions: readonly HostSuggestion[];
  recipes: readonly RecipeView[];
  settings: Settings;
  app: Snapshot['app'];
}

export const emptyWorld: World = {
  isLoaded: false,
  revision: -1,
  hosts: {},
  pods: {},
  tasks: {},
  prompts: [],
  suggestions: [],
  recipes: [],
  settings: defaultSettings,
  app: { version: '', platform: '', canRememberSecrets: false },
};

export const world = createStore<World>(() => emptyWorld);

export function fromSnapshot(snapshot: Snapshot): World {
  const { revision, prompts, suggestions, recipes, settings, app } = snapshot;
  return {
    isLoaded: true,
    revision,
    hosts: Object.fromEntries(snapshot.hosts.map((host) => [host.name, host])),
    pods: Object.fromEntries(snapshot.pods.map((pod) => [pod.id, pod])),
    tasks: Object.fromEntries(snapshot.tasks.map((task) => [task.id, task])),
    prompts,
    suggestions,
    recipes,
    settings,
    app,
  };
}

/** Copies each table at most once, however many changes there are; what is not newer changes nothing. */
export function applyEvent(before: World, event: StateEvent): World {
  if (event.revision <= before.revision) return before;
  const after: World = { ...before, revision: event.revision };
  const copied = new Set<string>();
  const table = <K extends 'hosts' | 'pods' | 'tasks'>(name: K): Record<string, World[K][string]> => {
    if (!copied.has(name)) after[name] = { ...before[name] };
    copied.add(name);
    return after[name] as Record<string, World[K][string]>;
  };
  for (const change of event.changes) applyChange(after, table, change);
  return after;
}

type Table = <K extends 'hosts' | 'pods' | 'tasks'>(name: K) => Record<string, World[K][string]>;

function applyChange(after: World, table: Table, change: Change): void {
  switch (change.kind) {
    case 'host':
      table('hosts')[change.host.name] = change.host;
      return;
    case 'host-gone':
      delete table('hosts')[change.host];
      return;
    case 'pod':
      table('pods')[change.pod.id] = change.pod;
      return;
    case 'pod-gone':
      delete table('pods')[change.pod];
      return;
    case 'task':
      table('tasks')[change.task.id] = change.task;
      return;
    case 'task-gone':
      delete table('tasks')[change.task];
      return;
    case 'prompt':
      after.prompts = [...after.prompts.filter(({ id }) => id !== change.prompt.id), change.prompt];
      return;
    case 'prompt-gone':
      after.prompts = after.prompts.filter(({ id }) => id !== change.prompt);
      return;
    case 'suggestions':
      after.suggestions = change.suggestions;
      return;
    case 'settings':
      after.settings = change.settings;
      return;
  }
}
