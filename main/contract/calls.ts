/** Everything the user interface may ask. What is longer than a blink answers with a task. */
import { z } from 'zod';
import { call } from './call';
import {
  EnvironmentRef, HostName, HostSample, Limits, Network, Plan, PodDetails, PodId, PodName, PodSample, PromptAnswer, PromptId, Task, TaskId,
} from './nouns';
import { Settings } from './settings';
import { Snapshot } from './state';
import { TerminalName } from './streams';

const empty = z.strictObject({});
const started = z.strictObject({ task: TaskId });
const hostIn = z.strictObject({ host: HostName });
const podIn = z.strictObject({ pod: PodId });
const taskIn = z.strictObject({ task: TaskId });

export const calls = {
  'state.snapshot': call({ in: empty, out: Snapshot }),

  /** `destination` is `user@host[:port]` or a name of SSH's configuration; without it the host's own name is looked up there. */
  'host.add': call({
    in: z.strictObject({ host: HostName, destination: z.string().min(1).max(300).optional(), jump: z.string().min(1).max(1000).optional(), identityFile: z.string().min(1).max(4096).optional() }),
    out: started,
  }),
  /** Forgets it; nothing on the host is touched. */
  'host.remove': call({ in: hostIn, out: empty }),
  'host.connect': call({ in: hostIn, out: started }),
  'host.disconnect': call({ in: hostIn, out: empty }),
  'host.doctor': call({ in: hostIn, out: started }),
  /** Mends one finding of the last diagnosis, or all that can be. */
  'host.fix': call({ in: z.strictObject({ host: HostName, finding: z.string().max(200).optional() }), out: started }),
  'host.upgrade': call({ in: hostIn, out: started }),
  'host.uninstall': call({ in: hostIn, out: started }),
  /** Moves all its PODs away, one after another; without `to` each to the host that suits it best. */
  'host.evacuate': call({ in: z.strictObject({ host: HostName, to: HostName.optional() }), out: started }),
  'host.samples': call({ in: hostIn, out: z.strictObject({ samples: z.array(HostSample) }) }),
  'host.log': call({ in: hostIn, out: z.strictObject({ text: z.string() }) }),

  'environment.build': call({ in: z.strictObject({ host: HostName, recipe: z.string().min(1).max(64) }), out: started }),
  'environment.remove': call({ in: z.strictObject({ host: HostName, environment: EnvironmentRef }), out: started }),

  'pod.create': call({ in: z.strictObject({ host: HostName, name: PodName, environment: EnvironmentRef, network: Network, limits: Limits }), out: started }),
  'pod.rename': call({ in: z.strictObject({ pod: PodId, name: PodName }), out: empty }),
  'pod.delete': call({ in: podIn, out: started }),
  'pod.suspend': call({ in: podIn, out: started }),
  /** With `to`, the suspended POD goes there first. */
  'pod.resume': call({ in: z.strictObject({ pod: PodId, to: HostName.optional() }), out: started }),
  /** `fresh` starts anew from the same environment; otherwise the copy goes on where the original is. */
  'pod.clone': call({ in: z.strictObject({ pod: PodId, name: PodName, to: HostName, isFresh: z.boolean(), network: Network.optional() }), out: started }),
  /** A suspended POD runs on arrival when `resumes`. */
  /** `keepsMemory`: its memory stays on the host that it leaves, encrypted with a key that goes with it, for a cheap return. */
  'pod.move': call({ in: z.strictObject({ pod: PodId, to: HostName, resumes: z.boolean(), keepsMemory: z.boolean().optional() }), out: started }),
  /** The exact plan: both hosts are asked. */
  'pod.plan': call({ in: z.strictObject({ pod: PodId, to: HostName }), out: Plan }),
  /** The plan for every host, at once, from what is known already. */
  'pod.plans': call({ in: podIn, out: z.strictObject({ plans: z.array(Plan) }) }),
  'pod.recover': call({ in: z.strictObject({ pod: PodId, decision: z.enum(['run-here', 'discard-here']) }), out: started }),
  'pod.show': call({ in: podIn, out: PodDetails }),
  'pod.samples': call({ in: podIn, out: z.strictObject({ samples: z.array(PodSample) }) }),
  'pod.log': call({ in: podIn, out: z.strictObject({ files: z.array(z.strictObject({ name: z.string(), text: z.string() })) }) }),

  'terminal.list': call({ in: podIn, out: z.strictObject({ terminals: z.array(z.strictObject({ name: TerminalName, command: z.string(), title: z.string() })) }) }),
  /** What a terminal has shown, colours included, down to the last line of its screen; a full-screen program scrolls by itself. */
  'terminal.history': call({ in: z.strictObject({ pod: PodId, window: TerminalName }), out: z.strictObject({ text: z.string(), isAlternateScreen: z.boolean() }) }),
  /** Ends it, and what runs in it. */
  'terminal.close': call({ in: z.strictObject({ pod: PodId, window: TerminalName }), out: empty }),

  /** Which PODs' screens are to be seen now: pictures come as `thumbnail` events, at most one a second each. */
  'thumbnails.watch': call({ in: z.strictObject({ pods: z.array(PodId).max(64) }), out: empty }),

  'task.cancel': call({ in: taskIn, out: empty }),
  'task.repeat': call({ in: taskIn, out: started }),
  'task.log': call({ in: taskIn, out: z.strictObject({ text: z.string() }) }),
  /** Older ones than the snapshot has, newest first. */
  'task.history': call({ in: z.strictObject({ beforeMs: z.number(), limit: z.number().int().min(1).max(500), pod: PodId.optional() }), out: z.strictObject({ tasks: z.array(Task) }) }),
  'task.clear': call({ in: empty, out: empty }),
  /** Everything that helps to find a fault, secrets left out; of one task or of the whole app. */
  'app.diagnostics': call({ in: z.strictObject({ task: TaskId.optional() }), out: z.strictObject({ text: z.string() }) }),
  /** Opens a web page in the system's browser; https only, after a person said yes. */
  'app.open-link': call({ in: z.strictObject({ url: z.string().max(2000) }), out: empty }),

  'prompt.answer': call({ in: z.strictObject({ prompt: PromptId, answer: PromptAnswer }), out: empty }),
  'settings.change': call({ in: settingsPatch(), out: empty }),
} as const;

/** Partial would bring each default with it, and so set back what is not mentioned. */
function settingsPatch() {
  const shape = Object.fromEntries(Object.entries(Settings.shape).map(([key, field]) => [key, field.unwrap().optional()]));
  return z.strictObject(shape) as unknown as z.ZodType<Partial<Settings>>;
}

export type Calls = typeof calls;
export type CallName = keyof Calls;
export type CallInput<N extends CallName> = z.input<Calls[N]['in']>;
export type CallOutput<N extends CallName> = z.output<Calls[N]['out']>;
