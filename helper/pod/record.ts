/**
 * What a host keeps of each POD.
 *
 * A record is one JSON file, replaced as a whole. It says what was last decided; what is true now is asked of the kernel (`observe`).
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { assertNever, ZapError } from '../protocol/errors';
import { Command, EnvironmentDigest, Limits, Mac, Network, PodId, PodName, TransferId, UserName, type Pod, type PodState } from '../protocol/model';
import { podAddress } from '../network/link-plan';
import { readFileIfThere, writeFileAtomic } from '../system/atomic-file';
import { bootId, isAlive } from '../system/process';
import { podPaths, stateRoot } from './paths';

const Init = z.strictObject({ pid: z.number().int().positive(), startTicks: z.number() });
const Running = { init: Init, bootId: z.string(), since: z.string() };

const RecordState = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('creating') }),
  z.strictObject({ kind: z.literal('running'), ...Running }),
  z.strictObject({ kind: z.literal('suspended'), at: z.string(), sizeBytes: z.number() }),
  /** Being sent away; until the journal of that transfer says "committed" it is as running as before. */
  z.strictObject({ kind: z.literal('leaving'), transfer: TransferId, was: z.union([z.strictObject({ kind: z.literal('running'), ...Running }), z.strictObject({ kind: z.literal('suspended'), at: z.string(), sizeBytes: z.number() })]), doubt: z.string().optional() }),
  z.strictObject({ kind: z.literal('arriving'), transfer: TransferId, doubt: z.string().optional() }),
]);
export type RecordState = z.infer<typeof RecordState>;
export type RunningState = Extract<RecordState, { kind: 'running' }>;

/** AES-256, hexadecimal. */
export const KeptKey = z.string().regex(/^[0-9a-f]{64}$/);

export const PodRecord = z.strictObject({
  version: z.literal(1),
  id: PodId,
  name: PodName,
  owner: UserName,
  /** Users of this host who may use it as its owner does. */
  sharedWith: z.array(UserName).max(100).default([]),
  environment: z.strictObject({ digest: EnvironmentDigest, name: z.string() }),
  network: Network,
  mac: Mac,
  /** First of the 65536 ids of this host that the POD's ids 0..65535 are. */
  uidBase: z.number().int(),
  limits: Limits,
  command: Command.nullable(),
  user: z.string(),
  hasDisplay: z.boolean(),
  createdAt: z.string(),
  /** Opens what hosts where it was have kept of its memory; there since its first move. */
  keptKey: KeptKey.optional(),
  state: RecordState,
});
export type PodRecord = z.infer<typeof PodRecord>;

export function saveRecord(record: PodRecord): void {
  writeFileAtomic(podPaths(record.id).record, `${JSON.stringify(record, null, 1)}\n`);
}

export function loadRecord(id: string): PodRecord | undefined {
  const text = readFileIfThere(podPaths(id).record);
  if (text === undefined) return undefined;
  const parsed = PodRecord.safeParse(JSON.parse(text));
  if (!parsed.success) {
    throw new ZapError('pod/record-unreadable', `The record of POD ${id} was written by another version of the helper, or damaged.`, { hint: 'Use the helper version that wrote it.', cause: parsed.error });
  }
  return parsed.data;
}

export function listRecords(): PodRecord[] {
  let ids: string[];
  try {
    ids = readdirSync(join(stateRoot, 'pods'));
  } catch {
    return [];
  }
  return ids.filter((id) => PodId.safeParse(id).success).flatMap((id) => loadRecord(id) ?? []);
}

/** Says that nobody here can know whether this copy is the one that lives. */
export function markDoubt(record: PodRecord, { transfer, reason }: { transfer: string; reason: string }): void {
  const { state } = record;
  if (state.kind === 'leaving' || state.kind === 'arriving') record.state = { ...state, doubt: reason };
  else if (state.kind !== 'creating') record.state = { kind: 'leaving', transfer, was: state, doubt: reason };
  saveRecord(record);
}

/** Finds by name or id; PODs of other owners do not exist for a caller who may not see them. */
export function findRecord(ref: string, caller: Caller): PodRecord {
  // By id only one is read: whoever looks at each of many PODs would otherwise read all of them for each.
  const byId = PodId.safeParse(ref).success ? loadRecord(ref) : undefined;
  const record = byId && maySee(caller, byId) ? byId : listRecords().find((candidate) => candidate.name === ref && maySee(caller, candidate));
  if (!record) throw new ZapError('pod/unknown', `There is no POD "${ref}" on this host.`, { hint: 'zap pod list shows the PODs of all hosts.', data: { pod: ref } });
  return record;
}

/** Whoever opened the connection: the user that sudo names, or root. */
export interface Caller {
  user: string;
}

export function maySee(caller: Caller, record: PodRecord): boolean {
  return mayShare(caller, record) || record.sharedWith.includes(caller.user);
}

/** Whether the caller may say who else sees the POD. */
export function mayShare(caller: Caller, record: PodRecord): boolean {
  return caller.user === 'root' || caller.user === record.owner;
}

/** What is true of a POD now. */
export function observe(record: PodRecord): PodState {
  const { state } = record;
  switch (state.kind) {
    case 'creating':
      return { kind: 'lost', reason: 'It was never finished being created.' };
    case 'running':
      return observeRunning(state);
    case 'suspended':
      return { kind: 'suspended', at: state.at, sizeBytes: state.sizeBytes };
    case 'leaving':
      if (state.doubt !== undefined) return { kind: 'in-doubt', role: 'source', transfer: state.transfer, reason: state.doubt };
      return { kind: 'moving', role: 'source', transfer: state.transfer, phase: 'leaving' };
    case 'arriving':
      if (state.doubt !== undefined) return { kind: 'in-doubt', role: 'target', transfer: state.transfer, reason: state.doubt };
      return { kind: 'moving', role: 'target', transfer: state.transfer, phase: 'arriving' };
    default:
      return assertNever(state);
  }
}

function observeRunning(state: RunningState): PodState {
  if (state.bootId !== bootId()) return { kind: 'lost', reason: 'The host was restarted while it ran; its files are kept.' };
  return isAlive(state.init) ? { kind: 'running', since: state.since } : { kind: 'exited', at: new Date().toISOString() };
}

export function isRunning(record: PodRecord): record is PodRecord & { state: RunningState } {
  return record.state.kind === 'running' && observeRunning(record.state).kind === 'running';
}

/** The running POD's first process, or an error that says what the POD is instead. */
export function requireRunning(record: PodRecord, verb: string): RunningState {
  if (isRunning(record)) return record.state;
  const state = observe(record);
  throw new ZapError('pod/wrong-state', `POD "${record.name}" is ${state.kind}, so it cannot ${verb}.`, {
    hint: state.kind === 'suspended' ? `Bring it back with: zap pod resume ${record.name}` : state.kind === 'moving' ? 'Wait until it has arrived.' : `Its files are kept; remove it with: zap pod delete ${record.name}`,
    data: { pod: record.name, state: state.kind },
  });
}

/**
 * The first process of a POD that somebody may look at: one that runs, and one whose move is being prepared, which runs on until its freeze.
 */
export function requireAlive(record: PodRecord, verb: string): RunningState {
  if (record.state.kind === 'leaving' && record.state.was.kind === 'running' && observeRunning(record.state.was).kind === 'running') return record.state.was;
  return requireRunning(record, verb);
}

export function toPod(record: PodRecord): Pod {
  const address = podAddress(record.id, record.network);
  return {
    id: record.id,
    name: record.name,
    state: observe(record),
    environment: record.environment,
    network: record.network,
    ...(address === undefined ? {} : { address }),
    mac: record.mac,
    limits: record.limits,
    hasDisplay: record.hasDisplay,
    owner: record.owner,
    createdAt: record.createdAt,
  };
}

