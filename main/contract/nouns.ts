/** What the user interface shows: hosts, PODs, tasks, plans and questions, as the services know them. */
import { z } from 'zod';
import { EnvironmentInfo, Finding, Ipv4, MoveBytes, Pod, PodId, Step, Usage } from '../../helper/protocol/model';

export { EnvironmentInfo, EnvironmentRef, Limits, Network, PodId, PodName } from '../../helper/protocol/model';

export const HostName = z.string().regex(/^[a-z0-9](?:[a-z0-9.-]{0,62}[a-z0-9])?$/);
export const TaskId = z.string().regex(/^[0-9a-z-]{4,64}$/);
export const PromptId = z.string().min(1).max(64);
/** Milliseconds since 1970, of this computer's clock. */
const AtMs = z.number();

/** An expected failure: `code` is for programs, the prose for people, `evidence` the lines of a log that show the cause. */
export const Failure = z.strictObject({
  code: z.string(),
  message: z.string(),
  hint: z.string().optional(),
  data: z.record(z.string(), z.unknown()).optional(),
  evidence: z.array(z.string()).optional(),
});
export type Failure = z.infer<typeof Failure>;

/** A finding, and whether Zap can mend it itself (`host.fix`). */
export const FindingView = Finding.extend({ canFix: z.boolean().optional() });
export type FindingView = z.infer<typeof FindingView>;

/** The way to a host is made in this order; a host without SSH skips the first three. */
export const connectionSteps = ['reach', 'verify-key', 'authenticate', 'start-helper'] as const;
export const ConnectionStep = z.strictObject({
  name: z.enum(connectionSteps),
  state: z.enum(['waiting', 'running', 'done', 'failed']),
  ms: z.number().optional(),
  /** Which key is tried, which hop is passed, how much of the helper is installed. */
  detail: z.string().optional(),
});
export type ConnectionStep = z.infer<typeof ConnectionStep>;

export const Connection = z.discriminatedUnion('kind', [
  /** Nobody has needed it yet, or it was disconnected on purpose. */
  z.strictObject({ kind: z.literal('idle') }),
  z.strictObject({ kind: z.literal('connecting'), steps: z.array(ConnectionStep) }),
  z.strictObject({ kind: z.literal('ready'), sinceMs: AtMs, helperVersion: z.string(), steps: z.array(ConnectionStep) }),
  z.strictObject({ kind: z.literal('failed'), error: Failure, atMs: AtMs, retryAtMs: AtMs.optional(), steps: z.array(ConnectionStep) }),
]);
export type Connection = z.infer<typeof Connection>;

export const HostFacts = z.strictObject({
  hostname: z.string(),
  arch: z.string(),
  kernel: z.string(),
  cpuModel: z.string(),
  cpus: z.number(),
  memoryTotalBytes: z.number(),
  diskFreeBytes: z.number(),
  criuVersion: z.string().nullable(),
  addresses: z.array(Ipv4),
  limitControllers: z.array(z.string()),
});
export type HostFacts = z.infer<typeof HostFacts>;

export const Diagnosis = z.strictObject({ atMs: AtMs, isFit: z.boolean(), findings: z.array(FindingView) });
export type Diagnosis = z.infer<typeof Diagnosis>;

export const Host = z.strictObject({
  name: HostName,
  isLocal: z.boolean(),
  isLab: z.boolean(),
  /** `user@address:port`, or the alias in SSH's configuration; absent for this computer. */
  address: z.string().optional(),
  /** Hosts that the way leads through, in order. */
  jumps: z.array(z.string()),
  isFromSshConfig: z.boolean(),
  connection: Connection,
  facts: HostFacts.nullable(),
  diagnosis: Diagnosis.nullable(),
  environments: z.array(EnvironmentInfo),
});
export type Host = z.infer<typeof Host>;

export const HostSample = z.strictObject({ host: HostName, atMs: AtMs, loadAverage: z.number(), memoryFreeBytes: z.number() });
export type HostSample = z.infer<typeof HostSample>;

/** A name of SSH's configuration that is no host yet. */
export const HostSuggestion = z.strictObject({ alias: z.string(), address: z.string(), jumps: z.array(z.string()) });
export type HostSuggestion = z.infer<typeof HostSuggestion>;

export const PodView = Pod.extend({
  host: HostName,
  /** The host cannot be asked now: this is what it said last. */
  isStale: z.boolean(),
  /** The task that works on it. */
  task: TaskId.optional(),
  /** Where it is being moved. */
  destination: HostName.optional(),
});
export type PodView = z.infer<typeof PodView>;

/** CPU as share of one processor: 1.5 is one and a half of them. */
export const PodSample = z.strictObject({ pod: PodId, atMs: AtMs, cpuShare: z.number(), memoryBytes: z.number(), layerBytes: z.number(), processes: z.number(), connections: z.number() });
export type PodSample = z.infer<typeof PodSample>;

export const PodDetails = z.strictObject({ usage: Usage.nullable(), command: z.array(z.string()).nullable(), findings: z.array(FindingView) });
export type PodDetails = z.infer<typeof PodDetails>;

/** An environment that can be built on a host. */
export const RecipeView = z.strictObject({ name: z.string(), description: z.string(), hasDisplay: z.boolean() });
export type RecipeView = z.infer<typeof RecipeView>;

export const Plan = z.strictObject({
  pod: PodId,
  from: HostName,
  to: HostName,
  /** `same`: it is there already; `unknown`: the host has not said enough yet. */
  verdict: z.enum(['ready', 'warnings', 'impossible', 'same', 'unknown']),
  mode: z.enum(['live', 'stored']),
  needsEnvironment: z.boolean(),
  /** Null while nobody has measured the POD. */
  predictedBytes: z.strictObject({ memory: z.number(), layer: z.number(), environment: z.number() }).nullable(),
  predictedDowntimeMs: z.number().nullable(),
  /** By what earlier moves between these hosts took; only the exact plan asks. */
  predictedTotalMs: z.number().optional(),
  predictedSentBytes: z.number().optional(),
  /** Blockers first. */
  findings: z.array(FindingView),
  /** False when it was made from cached facts alone. */
  isExact: z.boolean(),
});
export type Plan = z.infer<typeof Plan>;

export const taskKinds = [
  'host.add', 'host.connect', 'host.doctor', 'host.fix', 'host.upgrade', 'host.uninstall', 'host.evacuate', 'pod.create', 'pod.delete', 'pod.suspend', 'pod.resume', 'pod.clone', 'pod.move', 'pod.recover',
  'environment.build', 'environment.remove',
] as const;
export const TaskKind = z.enum(taskKinds);
export type TaskKind = z.infer<typeof TaskKind>;

export const TaskProgress = z.strictObject({
  /** As the helper names it; the user interface knows the usual ones. */
  phase: z.string(),
  bytes: z.number().optional(),
  totalBytes: z.number().optional(),
  bytesPerSecond: z.number().optional(),
  remainingMs: z.number().optional(),
  /** It can no longer be cancelled. */
  isCommitted: z.boolean(),
  /** Since when the POD stands still; absent while it runs. */
  frozenSinceMs: AtMs.optional(),
  /** Of an evacuation: which of how many. */
  item: z.strictObject({ index: z.number().int(), of: z.number().int() }).optional(),
});
export type TaskProgress = z.infer<typeof TaskProgress>;

export const TaskOutcome = z.strictObject({
  downtimeMs: z.number().optional(),
  totalMs: z.number().optional(),
  bytes: MoveBytes.optional(),
  steps: z.array(Step).optional(),
  /** Says in words what came of it, where the numbers do not. */
  note: z.string().optional(),
});

export type TaskOutcome = z.infer<typeof TaskOutcome>;

/** Where the POD is after a failure, as the hosts say. */
export const Whereabouts = z.strictObject({ host: HostName, state: z.enum(['running', 'exited', 'suspended', 'moving', 'lost', 'in-doubt']) });
export type Whereabouts = z.infer<typeof Whereabouts>;

export const Task = z.strictObject({
  id: TaskId,
  kind: TaskKind,
  /** Names are kept as they were when it began; a POD that is gone still has its history. */
  subject: z.strictObject({ pod: PodId.optional(), podName: z.string().optional(), host: HostName.optional(), from: HostName.optional(), to: HostName.optional(), environment: z.string().optional() }),
  /** The evacuation that it is a part of. */
  parent: TaskId.optional(),
  createdAtMs: AtMs,
  endedAtMs: AtMs.optional(),
  state: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('queued') }),
    z.strictObject({ kind: z.literal('running'), progress: TaskProgress }),
    z.strictObject({ kind: z.literal('cancelling'), progress: TaskProgress }),
    z.strictObject({ kind: z.literal('done'), outcome: TaskOutcome }),
    z.strictObject({ kind: z.literal('cancelled'), whereabouts: Whereabouts.optional() }),
    z.strictObject({ kind: z.literal('failed'), error: Failure, whereabouts: Whereabouts.optional() }),
  ]),
  canCancel: z.boolean(),
  canRepeat: z.boolean(),
});
export type Task = z.infer<typeof Task>;

export const Prompt = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('host-key'),
    id: PromptId,
    host: HostName,
    address: z.string(),
    keyType: z.string(),
    fingerprint: z.string(),
    /** Types of keys that are known for this host, when it presents one of another type. */
    otherTypes: z.array(z.string()),
  }),
  z.strictObject({ kind: z.literal('secret'), id: PromptId, host: HostName.optional(), question: z.string(), canRemember: z.boolean() }),
  z.strictObject({ kind: z.literal('text'), id: PromptId, host: HostName.optional(), question: z.string() }),
  z.strictObject({ kind: z.literal('confirm'), id: PromptId, host: HostName.optional(), lines: z.array(z.string()), question: z.string() }),
]);
export type Prompt = z.infer<typeof Prompt>;

export const PromptAnswer = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('yes') }),
  z.strictObject({ kind: z.literal('no') }),
  z.strictObject({ kind: z.literal('text'), text: z.string().max(4096), isToBeRemembered: z.boolean() }),
]);
export type PromptAnswer = z.infer<typeof PromptAnswer>;

