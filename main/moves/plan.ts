/** What a move, a clone or a resume elsewhere will do, decided from facts alone, before anything is touched. */
import type { Facts, Output } from '../../helper/protocol/contract';
import { modelFreezeMs } from '../../helper/protocol/freeze-model';
import { cpuFindings, type CpuDifference } from '../helper-client/pair';
import type { Pod } from '../pods/locate';
import type { Cost, PastMove } from './history';
import { predict } from './prediction';

export type Finding = Facts['findings'][number];

export interface PlanFacts {
  pod: Pod;
  from: string;
  to: string;
  willRun: boolean;
  sourceFacts: Facts;
  targetFacts: Facts;
  /** Difference of the hosts' clocks, target minus source, and how exactly it is known. */
  clockOffsetMs: number;
  clockErrorMs: number;
  source: Output<'preflight.source'>;
  target: Output<'preflight.target'>;
  cpu: CpuDifference;
  /** Earlier moves, the oldest first. */
  past: readonly PastMove[];
}

export interface Plan {
  pod: string;
  from: string;
  to: string;
  /** `live`: its processes go on; `stored`: a suspended POD stays suspended. */
  mode: 'live' | 'stored';
  canMove: boolean;
  needsEnvironment: boolean;
  predictedBytes: { memory: number; layer: number; environment: number };
  /** It runs there as soon as its processes are there; its memory, which is there too, is put in place meanwhile. */
  memoryFollows: boolean;
  /** By the model and what earlier moves between these hosts took. */
  predictedDowntimeMs: number;
  predictedTotalMs: number;
  /** What goes over the network: what the target holds already, and what repeats itself, does not. */
  predictedSentBytes: number;
  /** Moves between these hosts, in this direction, that the prediction rests on. */
  pastMoves: number;
  findings: Finding[];
}

/** A restored page costs about as much again as sending it. */
const SEND_BYTES_PER_MS = 800_000;
const RESTORE_BYTES_PER_MS = 1_000_000;
/** Handing over, link and first tasks. */
const FIXED_DOWNTIME_MS = 60;
/** Asking, opening the channel, setting up the target. */
const FIXED_TOTAL_MS = 500;
/** Files and memory on their way while the POD runs. */
const AHEAD_BYTES_PER_MS = 150_000;
const CLOCK_TOLERANCE_MS = 1_000;

const severityOrder: Record<Finding['severity'], number> = { blocker: 0, warning: 1, note: 2 };

export function planMove(facts: PlanFacts): Plan {
  const { pod, source, target, willRun } = facts;
  // Whoever knows the programs says it better than the target, who only sees what is demanded.
  const ofTarget = facts.cpu.uses.length === 0 ? target.findings : target.findings.filter(({ id }) => id !== 'cpu-features');
  const findings = unique([...between(facts), ...ofMemory(facts), ...cpuFindings(facts.to, facts.cpu), ...source.findings, ...ofTarget]).sort((a, b) => severityOrder[a.severity] - severityOrder[b.severity]);
  const isRunning = pod.state.kind === 'running';
  const { memoryBytes, layerBytes } = source.demand;
  const environmentBytes = target.needsEnvironment ? source.demand.environment.sizeBytes : 0;
  const predicted = predict(facts.past, { pod: pod.id, from: facts.from, to: facts.to, memoryBytes, modelled: modelCost(facts), environmentBytes });
  return {
    pod: pod.name,
    from: facts.from,
    to: facts.to,
    mode: isRunning || willRun ? 'live' : 'stored',
    canMove: findings.every(({ severity }) => severity !== 'blocker'),
    needsEnvironment: target.needsEnvironment,
    memoryFollows: memoryFollows(facts),
    predictedBytes: { memory: memoryBytes, layer: layerBytes, environment: environmentBytes },
    predictedDowntimeMs: predicted.downtimeMs,
    predictedTotalMs: predicted.totalMs,
    predictedSentBytes: predicted.sentBytes,
    pastMoves: predicted.pastMoves,
    findings,
  };
}

/** By the target's word: it knows its kernel, and the room it has. */
function memoryFollows({ pod, target }: Pick<PlanFacts, 'pod' | 'target'>): boolean {
  return pod.state.kind === 'running' && target.memoryFollows === true;
}

function ofMemory(facts: PlanFacts): Finding[] {
  if (!memoryFollows(facts)) return [];
  const megabytes = Math.round(facts.source.demand.memoryBytes / 2 ** 20);
  return [{ id: 'move/memory-follows', severity: 'note', message: `It runs on ${facts.to} before all of its ${megabytes} MiB of memory are in place: it stands still for less, and is slower for a moment.` }];
}

/** What sizes alone say of a move without its environment. */
export function modelCost({ pod, source, target }: Pick<PlanFacts, 'pod' | 'source' | 'target'>): Cost {
  const { memoryBytes, layerBytes } = source.demand;
  const downtimeMs = pod.state.kind === 'running' ? downtimeAfter(source.predictedFreezeMs, memoryBytes, { memoryFollows: memoryFollows({ pod, target }) }) : 0;
  const sentBytes = memoryBytes + layerBytes;
  return { downtimeMs: Math.round(downtimeMs), totalMs: Math.round(FIXED_TOTAL_MS + downtimeMs + sentBytes / AHEAD_BYTES_PER_MS), sentBytes };
}

/** What only shows when both hosts are looked at together. */
function between({ sourceFacts, targetFacts, from, to, clockOffsetMs, clockErrorMs }: PlanFacts): Finding[] {
  const findings: Finding[] = [];
  if (sourceFacts.arch !== targetFacts.arch) {
    findings.push({ id: 'move/arch-differs', severity: 'blocker', message: `${from} is ${sourceFacts.arch} and ${to} is ${targetFacts.arch}: programs cannot change their processor's architecture.` });
  }
  if (Math.abs(clockOffsetMs) > CLOCK_TOLERANCE_MS + clockErrorMs) {
    const direction = clockOffsetMs > 0 ? 'ahead of' : 'behind';
    findings.push({
      id: 'move/clocks-differ',
      severity: 'warning',
      message: `The clock of ${to} is ${(Math.abs(clockOffsetMs) / 1000).toFixed(1)} s ${direction} that of ${from}: the time of day will jump for the POD's programs.`,
      hint: 'Let both hosts keep their time by NTP.',
      data: { offsetMs: Math.round(clockOffsetMs) },
    });
  }
  if (sourceFacts.kernel !== targetFacts.kernel) {
    findings.push({ id: 'move/kernel-differs', severity: 'note', message: `The hosts run different kernels: ${sourceFacts.kernel} and ${targetFacts.kernel}.` });
  }
  return findings;
}

function unique(findings: Finding[]): Finding[] {
  const seen = new Map(findings.map((finding) => [`${finding.id} ${finding.message}`, finding]));
  return [...seen.values()];
}

/** For plans that are made before the source is asked. */
export function predictDowntimeMs({ memoryBytes, processes }: { memoryBytes: number; processes: number }): number {
  return Math.round(downtimeAfter(modelFreezeMs({ processes, memoryBytes }), memoryBytes));
}

function downtimeAfter(freezeMs: number, memoryBytes: number, { memoryFollows = false } = {}): number {
  return FIXED_DOWNTIME_MS + freezeMs + memoryBytes / SEND_BYTES_PER_MS + (memoryFollows ? 0 : memoryBytes / RESTORE_BYTES_PER_MS);
}
