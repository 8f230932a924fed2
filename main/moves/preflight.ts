/** Asks both hosts and makes the plan. */
import { ZapError } from '../../helper/protocol/errors';
import type { Facts, Input, Output } from '../../helper/protocol/contract';
import type { HelperClient } from '../helper-client/client';
import type { LocatedPod } from '../pods/locate';
import { missingInstructionSets } from '../helper-client/pair';
import { planMove, type CpuDifference, type Finding, type Plan } from './plan';

export type Demand = Input<'preflight.target'>['demand'];

export interface PreflightRequest {
  located: LocatedPod;
  source: HelperClient;
  target: HelperClient;
  willRun: boolean;
  /** Turns the POD's demand into that of its copy. */
  asCopy?: ((demand: Demand) => Demand) | undefined;
  signal?: AbortSignal | undefined;
}

export interface Preflight {
  plan: Plan;
  demand: Demand;
  /** What the target's processor lacks and no program of the POD uses. */
  absentCpuFlags: string[];
}

export async function preflight({ located, source, target, willRun, asCopy, signal }: PreflightRequest): Promise<Preflight> {
  const { pod } = located;
  const [sourceFacts, targetFacts, sourceHalf] = await Promise.all([
    timedFacts(source, signal),
    timedFacts(target, signal),
    source.call('preflight.source', { pod: pod.id, willRun }, { signal }),
  ]);
  const cpu = await cpuDifference(sourceFacts.facts, targetFacts.facts);
  const demand = { ...(asCopy ? asCopy(sourceHalf.demand) : sourceHalf.demand), cpuFlags: sourceHalf.demand.cpuFlags.filter((flag) => !cpu.unused.includes(flag)) };
  const targetHalf: Output<'preflight.target'> = await target.call('preflight.target', { demand }, { signal });
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
  });
  return { plan, demand, absentCpuFlags: cpu.unused };

  /** Programs are only looked into when there is a difference. */
  async function cpuDifference(from: Facts, to: Facts): Promise<CpuDifference> {
    const missing = from.arch === to.arch && willRun && pod.state.kind === 'running' ? missingInstructionSets(from, to) : [];
    if (missing.length === 0) return { unused: [], uses: [] };
    const { uses } = await source.call('preflight.cpu', { pod: pod.id, flags: missing }, { signal });
    return { uses, unused: missing.filter((flag) => !uses.some((use) => use.flag === flag)) };
  }
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

async function timedFacts(client: HelperClient, signal: AbortSignal | undefined): Promise<{ facts: Facts; offsetMs: number; errorMs: number }> {
  const startMs = Date.now();
  const facts = await client.call('host.facts', {}, { signal });
  const endMs = Date.now();
  return { facts, offsetMs: facts.clockMs - (startMs + endMs) / 2, errorMs: (endMs - startMs) / 2 };
}
