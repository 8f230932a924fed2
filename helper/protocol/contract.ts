/**
 * Everything a client can ask of a helper.
 *
 * One line per call: what goes in, what comes out, what events and byte lanes travel meanwhile. The helper validates what arrives against `in`; both
 * ends take their types from here.
 */
import { z } from 'zod';
import {
  CheckpointKey, Command, EnvironmentDigest, EnvironmentInfo, EnvironmentName, EnvironmentRef, Finding, Ipv4, Limits, Mac, Network, Pod, PodDemand, PodId, PodName, PodRef, Progress, Recipe, Seal, Step, TransferId, TransferResult, Usage, UserName, WrappedKey,
} from './model';

export const protocolRange = { min: 1, max: 1 } as const;

const empty = z.strictObject({});
const WindowSize = z.strictObject({ columns: z.number().int().min(1).max(1000), rows: z.number().int().min(1).max(1000) });
const TerminalName = z.string().regex(/^[A-Za-z0-9_-]{1,32}$/);
/** `inputBytes` of what came in were read by the POD's program: whoever sent more knows what to send again to the POD's next host. */
const Detached = z.strictObject({ reason: z.enum(['ended', 'detached']), inputBytes: z.number().int() });
const LogLine = z.strictObject({ line: z.string() });

/** One-time key of a data channel, 32 bytes in hexadecimal, handed to both hosts over their own connections. */
const ChannelKey = z.string().regex(/^[0-9a-f]{64}$/);

/** As /proc/cpuinfo names what a processor can do. */
const CpuFlag = z.string().regex(/^[A-Za-z0-9_]{1,40}$/);
/** What the other host's processor lacks. What no program of the POD uses is then not demanded; the source looks for itself. */
const absentCpuFlags = z.array(CpuFlag).max(500).optional();

/** It runs on the target as soon as its processes are there; most of its memory, which is on the target by then, is put in place meanwhile. */
const memoryFollows = z.boolean().optional();

/** What the sending side of a data channel is to do. `key` opens the checkpoint of a suspended POD that is to run. */
export const SendJob = z.discriminatedUnion('kind', [
  /** The POD leaves this host: running (frozen, restored there, killed here) or suspended. */
  z.strictObject({
    kind: z.literal('move'),
    pod: PodRef,
    resume: z.boolean(),
    key: CheckpointKey.optional(),
    absentCpuFlags,
    /** For a cheap return its memory stays here, encrypted with a key that leaves with it. Else nothing of it does. */
    keepMemory: z.boolean().optional(),
    memoryFollows,
  }),
  /** A copy with an identity of its own starts on the other side, this one runs on. */
  z.strictObject({ kind: z.literal('clone'), pod: PodRef, identity: z.strictObject({ id: PodId, name: PodName, mac: Mac, network: Network }), key: CheckpointKey.optional(), absentCpuFlags, memoryFollows }),
  z.strictObject({ kind: z.literal('environment'), environment: EnvironmentRef }),
]);
export type SendJob = z.infer<typeof SendJob>;

export const Facts = z.strictObject({
  hostname: z.string(),
  bootId: z.string(),
  arch: z.string(),
  kernel: z.string(),
  cpuModel: z.string(),
  cpuFlags: z.array(z.string()),
  cpus: z.number(),
  loadAverage: z.number(),
  memoryTotalBytes: z.number(),
  memoryFreeBytes: z.number(),
  diskFreeBytes: z.number(),
  clockMs: z.number(),
  criu: z.strictObject({ path: z.string(), version: z.string() }).nullable(),
  addresses: z.array(Ipv4),
  limitControllers: z.array(z.string()),
  findings: z.array(Finding),
});
export type Facts = z.infer<typeof Facts>;

function call<In extends z.ZodType, Out extends z.ZodType, Event extends z.ZodType = z.ZodNever>(definition: {
  in: In;
  out: Out;
  event?: Event;
  /** Goes on when the connection that asked for it ends. */
  survivesClose?: true;
  /** Changes nothing: whoever does not want the answer any more need not wait for it. */
  isQuestion?: true;
}) {
  return definition;
}

export const contract = {
  hello: call({
    in: z.strictObject({ client: z.string().max(200), min: z.number().int(), max: z.number().int() }),
    out: z.strictObject({ protocol: z.number(), version: z.string(), hostname: z.string(), bootId: z.string(), arch: z.string(), features: z.array(z.string()) }),
  }),
  'host.facts': call({ in: empty, out: Facts, isQuestion: true }),
  /** Dump and restore of a probe: does CRIU really work here? */
  'host.selftest': call({ in: empty, out: z.strictObject({ findings: z.array(Finding) }), isQuestion: true }),

  'environment.list': call({ in: empty, out: z.strictObject({ environments: z.array(EnvironmentInfo) }), isQuestion: true }),
  'environment.build': call({ in: z.strictObject({ recipe: Recipe }), out: EnvironmentInfo, event: LogLine }),
  /** Lane 0 carries a tar archive (plain, gzip or zstd) in. */
  'environment.import': call({ in: z.strictObject({ name: EnvironmentName }), out: EnvironmentInfo, event: LogLine }),
  'environment.remove': call({ in: z.strictObject({ environment: EnvironmentRef }), out: EnvironmentInfo }),

  'pod.list': call({ in: empty, out: z.strictObject({ pods: z.array(Pod) }), isQuestion: true }),
  'pod.show': call({ in: z.strictObject({ pod: PodRef }), out: z.strictObject({ pod: Pod, usage: Usage.nullable(), command: z.array(z.string()).nullable(), findings: z.array(Finding) }), isQuestion: true }),
  'pod.create': call({
    in: z.strictObject({
      name: PodName,
      environment: EnvironmentRef,
      network: Network,
      limits: Limits,
      command: Command.optional(),
      geometry: z.string().regex(/^\d{3,5}x\d{3,5}$/).optional(),
    }),
    out: Pod,
    event: Progress,
  }),
  'pod.rename': call({ in: z.strictObject({ pod: PodRef, name: PodName }), out: Pod }),
  /** Lets another user of the host use the POD as its owner does, or no longer. Only the owner and root may. */
  'pod.share': call({ in: z.strictObject({ pod: PodRef, user: UserName, isShared: z.boolean() }), out: z.strictObject({ sharedWith: z.array(UserName) }) }),
  'pod.delete': call({ in: z.strictObject({ pod: PodRef }), out: empty }),
  'pod.suspend': call({
    in: z.strictObject({ pod: PodRef, seal: Seal }),
    out: z.strictObject({ pod: Pod, frozenMs: z.number(), sizeBytes: z.number(), steps: z.array(Step) }),
    event: Progress,
    survivesClose: true,
  }),
  'pod.resume': call({
    in: z.strictObject({ pod: PodRef, key: CheckpointKey }),
    out: z.strictObject({ pod: Pod, restoreMs: z.number(), steps: z.array(Step) }),
    event: Progress,
    survivesClose: true,
  }),
  /** How the key of a suspended POD's checkpoint was kept by whoever suspended it. */
  'pod.checkpoint': call({ in: z.strictObject({ pod: PodRef }), out: z.strictObject({ podId: PodId, wrapped: WrappedKey, createdAt: z.string(), sizeBytes: z.number() }) }),
  /** A person's decision about a POD in doubt: run it here, or give up this copy. */
  'pod.recover': call({ in: z.strictObject({ pod: PodRef, decision: z.enum(['run-here', 'discard-here']) }), out: z.strictObject({ pod: Pod.nullable() }) }),
  /**
   * Runs a command in the POD. Lanes: 0 standard input and output, 1 window sizes (JSON lines), 2 standard error. `detach` starts it as a child of
   * the POD's own, so that it moves along; otherwise it is the caller's, and is not part of the session.
   */
  'pod.exec': call({
    in: z.strictObject({ pod: PodRef, command: Command, user: z.string().max(64).optional(), detach: z.boolean(), terminal: WindowSize.extend({ term: z.string().max(64) }).optional() }),
    out: z.strictObject({ exitCode: z.number() }),
  }),
  /** A client of the POD's terminals. Lanes: 0 bytes of the terminal, 1 window sizes (JSON lines). Ends `detached` when the POD is frozen. */
  'pod.attach': call({ in: z.strictObject({ pod: PodRef, window: TerminalName.optional(), terminal: WindowSize.extend({ term: z.string().max(64) }) }), out: Detached }),
  /** The terminals that the POD has. */
  'pod.terminals': call({ in: z.strictObject({ pod: PodRef }), out: z.strictObject({ terminals: z.array(z.strictObject({ name: TerminalName, command: z.string(), title: z.string() })) }) }),
  /** Lane 0 brings the newest lines of a terminal, with their colours, wrapped ones in one piece: those that have scrolled away and those on its screen. */
  'pod.terminal-history': call({ in: z.strictObject({ pod: PodRef, window: TerminalName, lines: z.number().int().min(1).max(50_000) }), out: z.strictObject({ isAlternateScreen: z.boolean() }) }),
  /** Ends a terminal, and what runs in it. */
  'pod.close-terminal': call({ in: z.strictObject({ pod: PodRef, window: TerminalName }), out: empty }),
  /** Lane 0 is the POD's RFB (VNC) server. Ends `detached` when the POD is frozen. */
  'pod.display': call({ in: z.strictObject({ pod: PodRef }), out: Detached }),
  'pod.logs': call({ in: z.strictObject({ pod: PodRef, lines: z.number().int().min(1).max(100000) }), out: z.strictObject({ files: z.array(z.strictObject({ name: z.string(), text: z.string() })) }) }),

  /** The source's half of preflight: findings of the POD itself, and what a target must offer. */
  'preflight.source': call({ in: z.strictObject({ pod: PodRef, willRun: z.boolean() }), out: z.strictObject({ demand: PodDemand, findings: z.array(Finding), predictedFreezeMs: z.number() }), isQuestion: true }),
  /** Which programs of a running POD may be using these features of the processor; those that none uses are left out. */
  'preflight.cpu': call({ in: z.strictObject({ pod: PodRef, flags: z.array(CpuFlag).max(500) }), out: z.strictObject({ uses: z.array(z.strictObject({ flag: z.string(), programs: z.array(z.string()) })) }), isQuestion: true }),
  'preflight.target': call({ in: z.strictObject({ demand: PodDemand }), out: z.strictObject({ findings: z.array(Finding), needsEnvironment: z.boolean(), memoryFollows }), isQuestion: true }),

  /**
   * Opens the receiving end of a data channel and sees one transfer through. The first event says where it listens; with `relay` lane 0 of this call
   * is the channel instead.
   */
  'transfer.receive': call({
    in: z.strictObject({ transfer: TransferId, key: ChannelKey, relay: z.boolean() }),
    out: z.strictObject({ pod: Pod.nullable() }),
    event: z.union([z.strictObject({ listening: z.strictObject({ addresses: z.array(Ipv4), port: z.number().int() }) }), Progress]),
    survivesClose: true,
  }),
  /** The sending end; with `relay` lane 0 of this call is the channel. */
  'transfer.send': call({
    in: z.strictObject({
      transfer: TransferId,
      key: ChannelKey,
      peer: z.union([z.strictObject({ addresses: z.array(Ipv4).min(1).max(16), port: z.number().int().min(1).max(65535) }), z.literal('relay')]),
      job: SendJob,
      /** While no POD stands still. */
      maxBytesPerSecond: z.number().int().min(1024).optional(),
    }),
    out: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('pod'), result: TransferResult }),
      z.strictObject({ kind: z.literal('environment'), digest: EnvironmentDigest, sentBytes: z.number() }),
    ]),
    event: Progress,
    survivesClose: true,
  }),
  /** What this host knows of a transfer that both hosts may have lost sight of, in either role. */
  'transfer.outcome': call({
    in: z.strictObject({ transfer: TransferId, pod: PodId }),
    out: z.strictObject({
      source: z.enum(['open', 'committed', 'given-up', 'done', 'superseded', 'abort', 'unknown']),
      target: z.enum(['open', 'restored', 'resuming', 'settled', 'lost', 'unknown']),
    }),
  }),
  /** Brings one host's word on a transfer to the other; the first three to its target, which answers, the others to its source. */
  'transfer.tell': call({
    in: z.strictObject({ transfer: TransferId, pod: PodId, word: z.enum(['commit', 'abort', 'heard', 'running', 'gone', 'lost', 'lost-running', 'let-run']) }),
    out: z.strictObject({ answer: z.enum(['running', 'gone', 'lost', 'lost-running']).nullable() }),
  }),
} as const;

export type Contract = typeof contract;
export type Method = keyof Contract;
export type Input<M extends Method> = z.infer<Contract[M]['in']>;
export type Output<M extends Method> = z.infer<Contract[M]['out']>;
export type EventOf<M extends Method> = Contract[M] extends { event?: infer E } ? (E extends z.ZodType ? z.infer<E> : never) : never;
