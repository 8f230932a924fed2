/** Asks both hosts and makes the plan. */
import { ZapError } from '../../helper/protocol/errors';
import type { Input, Output } from '../../helper/protocol/contract';
import type { HelperClient } from '../helper-client/client';
import type { LocatedPod } from '../pods/locate';
import { timedFacts } from '../helper-client/facts-cache';
import { cpuDifference, missingInstructionSets } from '../helper-client/pair';
import type { Cost, PastMove } from './history';
import { modelCost, planMove, type Finding, type Plan } from './plan';

export type Demand = Input<'preflight.target'>['demand'];

export interface PreflightRequest {
  located: LocatedPod;
  source: HelperClient;
  target: HelperClient;
  willRun: boolean;
  /** Earlier moves, which the prediction rests on. */
  past: readonly PastMove[];
  /** Turns the POD's demand into that of its copy. */
  asCopy?: ((demand: Demand) => Demand) | undefined;
  /** Somebody wants it to run before its memory is in place. */
  mayMemoryFollow?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

export interface Preflight {
  plan: Plan;
  demand: Demand;
  /** What the target's processor lacks and no program of the POD uses. */
  absentCpuFlags: string[];
  /** What the prediction would be if nothing were known of earlier moves. */
  modelled: Cost;
}

export async function preflight({ located, source, target, willRun, past, asCopy, mayMemoryFollow = false, signal }: PreflightRequest): Promise<Preflight> {
  const { pod } = located;
  const [sourceFacts, targetFacts, sourceHalf] = await Promise.all([
    timedFacts(source, signal),
    timedFacts(target, signal),
    source.call('preflight.source', { pod: pod.id, willRun }, { signal }),
  ]);
  // Programs are looked into only where the processors differ.
  const isAlive = willRun && pod.state.kind === 'running' && sourceFacts.facts.arch === targetFacts.facts.arch;
  const cpu = await cpuDifference(source, pod.id, isAlive ? missingInstructionSets(sourceFacts.facts, targetFacts.facts) : [], signal);
  const demand = { ...(asCopy ? asCopy(sourceHalf.demand) : sourceHalf.demand), cpuFlags: sourceHalf.demand.cpuFlags.filter((flag) => !cpu.unused.includes(flag)) };
  const asked: Output<'preflight.target'> = await target.call('preflight.target', { demand }, { signal });
  const targetHalf = { ...asked, memoryFollows: mayMemoryFollow && asked.memoryFollows === true };
  const plan = planMove({
    pod,
    from: located.host,
    to: target.host,
    willRun,
    sourceFacts: sourceFacts.facts,
    targetFacts: targetFacts.facts,
    clockOffsetMs: targetFacts.offsetMs - sourceFacts.offsetMs,
    clockErrorMs: sourceFacts.errorMs + targetFacts.errorMs,
    source: sourceHalf,
    target: targetHalf,
    cpu,
    past,
  });
  return { plan, demand, absentCpuFlags: cpu.unused, modelled: modelCost({ pod, source: sourceHalf, target: targetHalf }) };
}

export function requireMovable(plan: Plan): void {
  const blockers = plan.findings.filter(({ severity }) => severity === 'blocker');
  const first = blockers[0];
  if (!first) return;
  const more = blockers.length > 1 ? ` (and ${blockers.length - 1} more: see \`--dry-run\`)` : '';
  throw new ZapError(blockerCode(first), `"${plan.pod}" cannot go from ${plan.from} to ${plan.to}: ${first.message}${more}`, { hint: first.hint, data: { findings: plan.findings } });
}

/** `target/no-space` becomes `preflight/target-no-space`: the area says the exit code, the rest which finding. */
function blockerCode(finding: Finding): `preflight/${string}` {
  return `preflight/${finding.id.replace(/^preflight\//, '').replaceAll('/', '-')}`;
}
