/** What stands between two hosts, decided from what is known of both. */
import type { Facts } from '../../helper/protocol/contract';
import { isInstructionSet } from '../../helper/protocol/cpu';

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

export function list(names: readonly string[], what = 'features'): string {
  return names.length <= 6 ? names.join(', ') : `${names.slice(0, 5).join(', ')} and ${names.length - 5} more ${what}`;
}
