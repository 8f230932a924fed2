/**
 * Move, clone and resume elsewhere: plan, bring the environment, transfer, tell.
 *
 * The transaction itself is between the two hosts and goes on without us; a failure here is always told together with where the POD is.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { ZapError } from '../../helper/protocol/errors';
import type { Output, SendJob } from '../../helper/protocol/contract';
import type { HelperClient } from '../helper-client/client';
import type { Fleet } from '../helper-client/fleet';
import { requireFreeName, type LocatedPod, type Pod } from '../pods/locate';
import type { Secret } from '../secrets/secret';
import { copyEnvironment } from './environment';
import { Errands } from './errands';
import { MoveHistory, type PastMove } from './history';
import type { Plan } from './plan';
import { preflight, requireMovable, type Demand, type Preflight } from './preflight';
import { settleTransfer, type OpenTransfer } from './settle';
import { checkpointKey } from './suspend';
import { transfer, type TransferOptions } from './transfer';
import { sayWhere, whereabouts } from './whereabouts';

/** Between two attempts to bring a broken transfer to its end. */
const SETTLE_INTERVAL_MS = 1_000;
/** The move has succeeded: its target is not waited for longer. */
const FORGET_TIMEOUT_MS = 3_000;

export interface MoveOptions extends Omit<TransferOptions, 'onTransfer' | 'onLost' | 'onUnheard'> {
  /** Of a suspended POD that is to run, where it has one. */
  passphrase?: Secret | undefined;
  mayMemoryFollow?: boolean | undefined;
  onPlan?: ((plan: Plan) => void) | undefined;
  onNotice?: ((text: string) => void) | undefined;
}

type TransferResult = Extract<Output<'transfer.send'>, { kind: 'pod' }>['result'];

export interface MoveReport {
  pod: string;
  from: string;
  to: string;
  mode: TransferResult['mode'];
  downtimeMs: number;
  totalMs: number;
  bytes: TransferResult['bytes'];
  steps: TransferResult['steps'];
  tracking?: TransferResult['tracking'];
}

export interface CloneRequest {
  name: string;
  to: string;
  /** Of the copy; needed when the original has an address of its own. */
  network?: Pod['network'] | undefined;
}

/** The plan of a move, and nothing more. */
export async function planOnly(fleet: Fleet, located: LocatedPod, to: string, options: { willRun: boolean; mayMemoryFollow?: boolean | undefined; signal?: AbortSignal | undefined }): Promise<Plan> {
  const [source, target] = await clients(fleet, located, to, options.signal);
  return (await preflight({ located, source, target, past: await historyOf(fleet).past(), ...options })).plan;
}

/** The POD leaves its host for another; a suspended one runs there when `resume` says so. */
export async function movePod(fleet: Fleet, located: LocatedPod, to: string, options: MoveOptions & { resume: boolean; keepMemory?: boolean | undefined }): Promise<MoveReport> {
  const { pod, host: from } = located;
  if (from === to) throw new ZapError('move/same-host', `"${pod.name}" is on ${to} already.`, { data: { pod: pod.name, host: to } });
  requireStandsStill(located);
  return execute(fleet, located, to, options, { willRun: options.resume, job: { kind: 'move', pod: pod.id, resume: options.resume, ...(options.keepMemory ? { keepMemory: true } : {}) } });
}

/** A copy with an identity of its own, on the same host or another; the original runs on. */
export async function clonePod(fleet: Fleet, located: LocatedPod, request: CloneRequest, options: MoveOptions): Promise<MoveReport> {
  const { pod } = located;
  requireStandsStill(located);
  for (const { host } of await requireFreeName(fleet, request.name, options.signal)) options.onNotice?.(`${host} cannot be asked whether it has a POD called "${request.name}".`);
  const network = request.network ?? pod.network;
  if (network.profile === 'lan' && pod.network.profile === 'lan' && network.address === pod.network.address) {
    throw new ZapError('network/address-needed', `"${pod.name}" has the address ${network.address}; its copy needs another one.`, { hint: `Add --network lan:ADDRESS/${network.prefixLength}, or --network nat or none.`, data: { pod: pod.name } });
  }
  const identity = { id: randomBytes(6).toString('hex'), name: request.name, mac: randomMac(), network };
  const asCopy = ({ address: _address, ...demand }: Demand): Demand => ({ ...demand, ...identity, ...(network.profile === 'lan' ? { address: network.address } : {}), isClone: true });
  return execute(fleet, located, request.to, options, { willRun: pod.state.kind === 'running', job: { kind: 'clone', pod: pod.id, identity }, asCopy });
}

function historyOf(fleet: Fleet): MoveHistory {
  return new MoveHistory(fleet.inventory.zapHome);
}

interface Execution {
  willRun: boolean;
  job: SendJob;
  asCopy?: ((demand: Demand) => Demand) | undefined;
}

async function execute(fleet: Fleet, located: LocatedPod, to: string, options: MoveOptions, { willRun, job, asCopy }: Execution): Promise<MoveReport> {
  const { pod, host: from } = located;
  const { source, target, plan, demand, keyed, modelled } = await prepare(fleet, located, to, options, { willRun, job, asCopy });
  options.onPlan?.(plan);
  requireMovable(plan);
  const ended = new AbortController();
  let open: OpenTransfer | undefined;
  let isUnheard = false;
  try {
    const steps: TransferResult['steps'] = [];
    if (plan.needsEnvironment) {
      const startMs = performance.now();
      await copyEnvironment(fleet, from, to, demand.environment.digest, options);
      steps.push({ name: 'environment', ms: round(performance.now() - startMs) });
    }
    const sent = await transfer(source, target, keyed, {
      ...options,
      onTransfer: (transfer) => (open = { transfer, pod: pod.id, target: to }),
      onLost: () => void keepSettling(fleet, open!, [from, to], ended.signal),
      onUnheard: () => (isUnheard = true),
    });
    // Its target keeps an answer for a source that will not ask any more: said once, or kept there for days.
    if (isUnheard && job.kind === 'move') await settleTransfer(fleet, open!, { hosts: [from, to], signal: options.signal }).catch(() => {});
    if (sent.kind !== 'pod') throw new ZapError('internal/protocol', `${from} ended a POD's transfer as something else.`);
    const { result } = sent;
    if (result.mode === 'live' && job.kind === 'move' && pod.state.kind === 'running') {
      const seen = { downtimeMs: Math.max(0, result.downtimeMs), totalMs: result.totalMs, sentBytes: result.bytes.sent };
      await remember(fleet, { pod: pod.id, from, to, memoryBytes: demand.memoryBytes, modelled, seen }, { sizeBytes: demand.environment.sizeBytes, ms: steps[0]?.ms });
    }
    if (job.kind === 'move' && open) await forgetTransfer(fleet, open, [from, to]);
    return { pod: result.pod.name, from, to, mode: result.mode, downtimeMs: result.downtimeMs, totalMs: round(result.totalMs + (steps[0]?.ms ?? 0)), bytes: result.bytes, steps: [...steps, ...result.steps], ...(result.tracking ? { tracking: result.tracking } : {}) };
  } catch (error) {
    ended.abort();
    throw await withWhereabouts(fleet, ZapError.from(error), pod, [from, to], job.kind === 'move' ? open : undefined);
  } finally {
    ended.abort();
  }
}

/** Until here nothing was touched, whatever happens. */
async function prepare(fleet: Fleet, located: LocatedPod, to: string, options: MoveOptions, { willRun, job, asCopy }: Execution): Promise<Preflight & { source: HelperClient; target: HelperClient; keyed: SendJob }> {
  const { signal } = options;
  try {
    const [source, target] = await clients(fleet, located, to, signal);
    const isOpened = located.pod.state.kind === 'suspended' && (job.kind === 'clone' || (job.kind === 'move' && job.resume));
    const keyed = isOpened ? { ...job, key: await checkpointKey(fleet, source, located.pod.id, options) } : job;
    const found = await preflight({ located, source, target, willRun, past: await historyOf(fleet).past(), asCopy, mayMemoryFollow: options.mayMemoryFollow, signal });
    const { absentCpuFlags, plan } = found;
    if (keyed.kind === 'environment') return { source, target, ...found, keyed };
    return { source, target, ...found, keyed: { ...keyed, ...(absentCpuFlags.length === 0 ? {} : { absentCpuFlags }), ...(plan.memoryFollows ? { memoryFollows: true } : {}) } };
  } catch (thrown) {
    const error = ZapError.from(thrown);
    if (!signal?.aborted) throw error;
    throw new ZapError('cancelled/by-user', `Cancelled before anything was touched: ${sayWhere(located)}`, { cause: error });
  }
}

/** `ms`: what sending the environment took, if it was sent. Should this fail, the next prediction is worse, and nothing else. */
async function remember(fleet: Fleet, move: PastMove, { sizeBytes, ms }: { sizeBytes: number; ms: number | undefined }): Promise<void> {
  const environment = ms === undefined ? {} : { environment: { bytes: Math.max(1, sizeBytes), ms: Math.max(0.1, ms) } };
  await historyOf(fleet).add({ ...move, ...environment }).catch(() => {});
}

/** A host that was lost sight of may have nobody left who ends its part: whoever asks it brings up a helper that does. */
async function keepSettling(fleet: Fleet, open: OpenTransfer, hosts: string[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await settleTransfer(fleet, open, { hosts, signal }).catch(() => {});
    await delay(SETTLE_INTERVAL_MS, undefined, { signal }).catch(() => {});
  }
}

/** A target keeps its answer until the source has heard it. What the source says of that last may be lost; then nobody would ever ask again, but for us. */
async function forgetTransfer(fleet: Fleet, open: OpenTransfer, hosts: string[]): Promise<void> {
  const isHeard = await settleTransfer(fleet, open, { hosts, signal: AbortSignal.timeout(FORGET_TIMEOUT_MS) }).catch(() => false);
  if (!isHeard) await new Errands(fleet.inventory.zapHome).unheard({ transfer: open.transfer, pod: open.pod, hosts }).catch(() => {});
}

async function withWhereabouts(fleet: Fleet, error: ZapError, pod: Pod, hosts: string[], open: OpenTransfer | undefined): Promise<ZapError> {
  const isLost = error.code === 'host/connection-lost';
  const where = await whereabouts(fleet, pod, hosts, { untilSettled: isLost, open }).catch(() => undefined); // the first failure is the one to tell
  if (!where) return error;
  const data = { ...error.data, ...(where.located ? { pod: { name: pod.name, host: where.located.host, state: where.located.pod.state.kind } } : {}) };
  return new ZapError(isLost ? 'move/connection-lost' : error.code, `${isLost ? error.message.replace(/\.$/, '; the hosts went on alone.') : error.message} ${where.sentence}`, { hint: error.hint, evidence: error.evidence, data, cause: error });
}

function requireStandsStill({ pod, host }: LocatedPod): void {
  const { kind } = pod.state;
  if (kind === 'running' || kind === 'suspended') return;
  const why: Record<Exclude<Pod['state']['kind'], 'running' | 'suspended'>, string> = {
    exited: 'its processes have ended',
    moving: 'it is on its way already',
    'in-doubt': 'it is in doubt which of its copies lives',
    lost: 'its processes are gone',
  };
  throw new ZapError('pod/wrong-state', `"${pod.name}" on ${host} can be neither moved nor cloned: ${why[kind]}.`, {
    hint: kind === 'in-doubt' ? `Decide with \`zap pod recover ${pod.name}\`.` : `See \`zap pod show ${pod.name}\`.`,
    data: { pod: pod.name, host, state: kind },
  });
}

function clients(fleet: Fleet, located: LocatedPod, to: string, signal: AbortSignal | undefined): Promise<[HelperClient, HelperClient]> {
  return Promise.all([fleet.client(located.host, signal), fleet.client(to, signal)]);
}

/** Locally administered, unicast. */
function randomMac(): string {
  return `02:${randomBytes(5).toString('hex').match(/../g)!.join(':')}`;
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
