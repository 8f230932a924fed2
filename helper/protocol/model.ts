/**
 * The nouns of the helper's protocol: what a POD, an environment, a finding and a move look like on the wire.
 *
 * Objects are strict: an unknown key is refused, so that a newer peer's demand is never silently ignored.
 */
import { z } from 'zod';

/** Lower-case letters, digits and inner dashes, 1–40 characters: a POD's name is also its host name. */
export const PodName = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/);
export const PodId = z.string().regex(/^[0-9a-f]{12}$/);
/** A user of a host. */
export const UserName = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.@\\-]{0,63}$/);
/** A POD is named by its name or its id. */
export const PodRef = z.union([PodName, PodId]);
export const EnvironmentName = z.string().regex(/^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/);
export const EnvironmentDigest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
export const EnvironmentRef = z.union([EnvironmentDigest, EnvironmentName]);
export const TransferId = z.string().regex(/^[0-9a-f]{16}$/);

/** The key that a checkpoint is encrypted with, 32 bytes in hexadecimal. A host has it as long as it works with it, and never on a disk. */
export const CheckpointKey = z.string().regex(/^[0-9a-f]{64}$/);
/** The same key in a form that only its owner can read, kept beside the checkpoint. What form that is, is the owner's business. */
export const WrappedKey = z.string().min(1).max(8192);
export const Seal = z.strictObject({ key: CheckpointKey, wrapped: WrappedKey });
export type Seal = z.infer<typeof Seal>;

const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
export const Ipv4 = z.string().regex(new RegExp(`^${octet}(?:\\.${octet}){3}$`));
export const Mac = z.string().regex(/^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/);

/** `lan`: an address of the host's LAN that travels with the POD; `nat`: outbound through the host; `none`: loopback only. */
export const Network = z.discriminatedUnion('profile', [
  z.strictObject({ profile: z.literal('lan'), address: Ipv4, prefixLength: z.number().int().min(1).max(32), gateway: Ipv4.optional() }),
  z.strictObject({ profile: z.literal('nat') }),
  z.strictObject({ profile: z.literal('none') }),
]);
export type Network = z.infer<typeof Network>;

export const Limits = z.strictObject({
  memoryBytes: z.number().int().positive().optional(),
  /** Processors' worth of time, e.g. 1.5. */
  cpus: z.number().positive().max(4096).optional(),
  pids: z.number().int().positive().optional(),
});
export type Limits = z.infer<typeof Limits>;

const Argument = z.string().max(128 << 10).refine((value) => !value.includes('\0'), 'must not contain NUL');
export const Command = z.array(Argument).min(1).max(4096);

export const PodState = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('running'), since: z.string() }),
  z.strictObject({ kind: z.literal('exited'), at: z.string() }),
  z.strictObject({ kind: z.literal('suspended'), at: z.string(), sizeBytes: z.number() }),
  z.strictObject({ kind: z.literal('moving'), role: z.enum(['source', 'target']), transfer: TransferId, phase: z.string() }),
  /** The host restarted while it ran: its processes are gone, its files are here. */
  z.strictObject({ kind: z.literal('lost'), reason: z.string() }),
  /** Handed over without an answer, or restored without a word from its source: only the other host knows which of the two copies lives. */
  z.strictObject({ kind: z.literal('in-doubt'), role: z.enum(['source', 'target']), transfer: TransferId, reason: z.string() }),
]);
export type PodState = z.infer<typeof PodState>;

export const Pod = z.strictObject({
  id: PodId,
  name: PodName,
  state: PodState,
  environment: z.strictObject({ digest: EnvironmentDigest, name: z.string() }),
  network: Network,
  /** The address the POD has now, if any; with `nat` it is given by the helper. */
  address: Ipv4.optional(),
  mac: Mac,
  limits: Limits,
  hasDisplay: z.boolean(),
  owner: z.string(),
  createdAt: z.string(),
});
export type Pod = z.infer<typeof Pod>;

export const Usage = z.strictObject({
  processes: z.number(),
  threads: z.number(),
  /** Anonymous and shared memory resident, bytes: what a checkpoint has to carry. */
  memoryBytes: z.number(),
  layerBytes: z.number(),
  layerFiles: z.number(),
  tcpConnections: z.number(),
  cpuSeconds: z.number(),
});
export type Usage = z.infer<typeof Usage>;

export const EnvironmentInfo = z.strictObject({
  digest: EnvironmentDigest,
  names: z.array(z.string()),
  description: z.string(),
  createdAt: z.string(),
  sizeBytes: z.number(),
  files: z.number(),
  hasDisplay: z.boolean(),
  user: z.string(),
});
export type EnvironmentInfo = z.infer<typeof EnvironmentInfo>;

/** How an environment is made: packages of a Debian suite, files laid over it, a script run inside it. */
export const Recipe = z.strictObject({
  name: EnvironmentName,
  description: z.string(),
  suite: z.string().regex(/^[a-z]+$/),
  packages: z.array(z.string().regex(/^[a-z0-9][a-z0-9+.-]*(?:\/[a-z-]+)?$/)),
  hasDisplay: z.boolean(),
  user: z.string().regex(/^[a-z_][a-z0-9_-]*$/),
  setup: z.string().optional(),
  files: z.array(z.strictObject({ path: z.string(), mode: z.number().int(), contentBase64: z.string() })),
});
export type Recipe = z.infer<typeof Recipe>;

/** One result of preflight or doctor. Blockers forbid, warnings inform before, notes explain. */
export const Finding = z.strictObject({
  id: z.string(),
  severity: z.enum(['blocker', 'warning', 'note']),
  message: z.string(),
  hint: z.string().optional(),
  data: z.record(z.string(), z.unknown()).optional(),
});
export type Finding = z.infer<typeof Finding>;

/** What a target must know of a POD to say whether it can take it. */
export const PodDemand = z.strictObject({
  id: PodId,
  name: PodName,
  environment: z.strictObject({ digest: EnvironmentDigest, name: z.string(), sizeBytes: z.number() }),
  network: Network,
  address: Ipv4.optional(),
  mac: Mac,
  uidBase: z.number().int(),
  limits: Limits,
  memoryBytes: z.number(),
  layerBytes: z.number(),
  cpuFlags: z.array(z.string()),
  isClone: z.boolean(),
  willRun: z.boolean(),
  /** It runs nowhere now: whoever answers for its address is somebody else. */
  isAsleep: z.boolean().optional(),
});
export type PodDemand = z.infer<typeof PodDemand>;

export const Step = z.strictObject({ name: z.string(), ms: z.number() });
export type Step = z.infer<typeof Step>;

export const MoveBytes = z.strictObject({ memory: z.number(), layer: z.number(), sent: z.number() });

/** How it was found what of a running POD's memory had changed. */
export const MemoryTracking = z.strictObject({
  /** Processes whose writes the kernel tracked. */
  processes: z.number(),
  /** Memory that was read in the freeze all the same, to find out what had changed. */
  comparedBytes: z.number(),
  /** Why of other large processes all was compared. */
  left: z.array(z.string()),
  /** The longest that one of their threads was stopped to begin with it. */
  stoppedMs: z.number(),
});

export const TransferMode = z.enum(['live', 'stored']);

export const TransferResult = z.strictObject({
  pod: Pod,
  mode: TransferMode,
  /** Zero where nothing was running to be interrupted. */
  downtimeMs: z.number(),
  totalMs: z.number(),
  bytes: MoveBytes,
  steps: z.array(Step),
  /** Without it all was compared, as is done with small PODs. */
  tracking: MemoryTracking.optional(),
});
export type TransferResult = z.infer<typeof TransferResult>;

export const Progress = z.strictObject({
  phase: z.string(),
  bytes: z.number().optional(),
  totalBytes: z.number().optional(),
  /** True once the operation can no longer be cancelled. */
  isCommitted: z.boolean().optional(),
});
export type Progress = z.infer<typeof Progress>;
