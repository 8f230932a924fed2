/**
 * The whole of what the services know, and how it changes.
 *
 * A client listens to `state` first, then asks for the snapshot, and drops the changes that are not newer than it: nothing is missed, and a window that is
 * loaded again is whole again.
 */
import { z } from 'zod';
import { Host, HostName, HostSample, HostSuggestion, PodId, PodSample, PodView, Prompt, PromptId, RecipeView, Task, TaskId } from './nouns';
import { Settings } from './settings';

export const Snapshot = z.strictObject({
  revision: z.number().int(),
  hosts: z.array(Host),
  suggestions: z.array(HostSuggestion),
  pods: z.array(PodView),
  recipes: z.array(RecipeView),
  /** Running ones and the newest of the past. */
  tasks: z.array(Task),
  prompts: z.array(Prompt),
  settings: Settings,
  app: z.strictObject({ version: z.string(), platform: z.string(), canRememberSecrets: z.boolean() }),
});
export type Snapshot = z.infer<typeof Snapshot>;

export const Change = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('host'), host: Host }),
  z.strictObject({ kind: z.literal('host-gone'), host: HostName }),
  z.strictObject({ kind: z.literal('suggestions'), suggestions: z.array(HostSuggestion) }),
  z.strictObject({ kind: z.literal('pod'), pod: PodView }),
  z.strictObject({ kind: z.literal('pod-gone'), pod: PodId }),
  z.strictObject({ kind: z.literal('task'), task: Task }),
  z.strictObject({ kind: z.literal('task-gone'), task: TaskId }),
  z.strictObject({ kind: z.literal('prompt'), prompt: Prompt }),
  z.strictObject({ kind: z.literal('prompt-gone'), prompt: PromptId }),
  z.strictObject({ kind: z.literal('settings'), settings: Settings }),
]);
export type Change = z.infer<typeof Change>;

export const StateEvent = z.strictObject({ revision: z.number().int(), changes: z.array(Change) });
export type StateEvent = z.infer<typeof StateEvent>;

/** Measurements come apart from the state: they are many, and missing one is no loss. */
export const SamplesEvent = z.strictObject({ pods: z.array(PodSample), hosts: z.array(HostSample) });
export type SamplesEvent = z.infer<typeof SamplesEvent>;
