/** What stands between two hosts, decided from what is known of both. */
import type { Facts, Output } from '../../helper/protocol/contract';
import { isInstructionSet } from '../../helper/protocol/cpu';
import type { HelperClient } from './client';

export type Finding = Facts['findings'][number];

export interface KnownFacts {
  host: string;
  facts: Facts;
  /** The host's clock minus ours, and how exactly that is known. */
  offsetMs: number;
  errorMs: number;
}

const CLOCK_TOLERANCE_MS = 1_000;
/** What programs that were started by `from`'s processor may miss on `to`'s. */
export function missingInstructionSets(from: Pick<Facts, 'cpuFlags'>, to: Pick<Facts, 'cpuFlags'>): string[] {
  return from.cpuFlags.filter((flag) => isInstructionSet(flag) && !to.cpuFlags.includes(flag));
}

/** Whether PODs of `from` can go on on `to`, as far as the hosts themselves say. */
export function pairFindings(from: KnownFacts, to: KnownFacts): Finding[] {
  const findings: Finding[] = [];
  const add = (id: string, severity: Finding['severity'], message: string, hint?: string, data: Record<string, unknown> = {}): void => {
    findings.push({ id: `pair/${id}`, severity, message, ...(hint === undefined ? {} : { hint }), data: { from: from.host, to: to.host, ...data } });
  };
  if (from.facts.arch !== to.facts.arch) {
    add('architecture', 'blocker', `${to.host} is ${to.facts.arch} and ${from.host} is ${from.facts.arch}: programs cannot change their processor's architecture.`);
  } else {
    const missing = missingInstructionSets(from.facts, to.facts);
    if (missing.length > 0) {
      add('cpu-features', 'warning', `${to.host}'s processor lacks ${list(missing)}, which ${from.host}'s has: PODs that were started on ${from.host} may use it and cannot go to ${to.host} while they run.`, `Start PODs that are to visit both on ${to.host}.`, { missing });
    }
  }
  for (const { host, facts } of [from, to]) {
    const blocker = facts.findings.find(({ severity }) => severity === 'blocker');
    if (blocker) add('host-unfit', 'blocker', `${host} is not fit: ${blocker.message}`, blocker.hint, { host, id: blocker.id });
  }
  const skewMs = to.offsetMs - from.offsetMs;
  if (Math.abs(skewMs) > CLOCK_TOLERANCE_MS + from.errorMs + to.errorMs) {
    add('clocks', 'warning', `The clock of ${to.host} is ${(Math.abs(skewMs) / 1000).toFixed(1)} s ${skewMs > 0 ? 'ahead of' : 'behind'} that of ${from.host}: the time of day jumps for programs that move.`, 'Let both hosts keep their time by NTP.', { skewMs: Math.round(skewMs) });
  }
  return findings;
}

/** Features that one processor has and another has not: those that programs of a POD may be using, with the programs, and those that none uses. */
export interface CpuDifference {
  uses: Output<'preflight.cpu'>['uses'];
  unused: string[];
}

/** Asked of the POD's host; `missing` is what the other's processor lacks. */
export async function cpuDifference(client: HelperClient, pod: string, missing: readonly string[], signal?: AbortSignal): Promise<CpuDifference> {
  if (missing.length === 0) return { uses: [], unused: [] };
  const { uses } = await client.call('preflight.cpu', { pod, flags: [...missing] }, { signal });
  return { uses, unused: missing.filter((flag) => !uses.some((use) => use.flag === flag)) };
}

/** Whether a POD can go on on `to`'s processor. */
export function cpuFindings(to: string, { uses, unused }: CpuDifference): Finding[] {
  const findings: Finding[] = [];
  // Features that the same programs use are told in one sentence.
  const byPrograms = new Map<string, { flags: string[]; programs: string[] }>();
  for (const { flag, programs } of uses) {
    const key = programs.join('\0');
    const group = byPrograms.get(key) ?? { flags: [], programs };
    group.flags.push(flag);
    byPrograms.set(key, group);
  }
  for (const { flags, programs } of byPrograms.values()) {
    const names = [...new Set(programs)];
    const who = programs.length === 1 ? '1 program of this POD uses' : `${programs.length} programs of this POD use`;
    findings.push({
      id: 'cpu-features',
      severity: 'blocker',
      message: `${to}'s CPU lacks ${list(flags)}, which ${programs.length === 0 ? 'programs of this POD may be using' : `${who} (${list(names, 'programs')})`}.`,
      hint: `They, or libraries of theirs, chose it when they started. Move the POD to a host with the same or a newer processor, or start it on ${to}.`,
      data: { missing: flags, programs },
    });
  }
  if (unused.length > 0) {
    findings.push({ id: 'cpu-features-unused', severity: 'note', message: `${to}'s CPU lacks ${list(unused)}, which no program of this POD uses.`, data: { missing: unused } });
  }
  return findings;
}

function list(names: readonly string[], what = 'features'): string {
  return names.length <= 6 ? names.join(', ') : `${names.slice(0, 5).join(', ')} and ${names.length - 5} more ${what}`;
}
