/** Everything that is to be known about a host before PODs are put on it: by itself, and beside each other host. */
import { ZapError } from '../../helper/protocol/errors';
import type { HelperClient } from './client';
import { timedFacts } from './facts-cache';
import type { Fleet } from './fleet';
import { pairFindings, type Finding, type KnownFacts } from './pair';
import { reachFinding } from './reach';

export interface DoctorOptions {
  signal?: AbortSignal | undefined;
  onStep?: ((text: string) => void) | undefined;
  /** Hosts to compare with; those that cannot be asked become a note. */
  others: readonly string[];
}

export interface Diagnosis {
  host: string;
  isFit: boolean;
  findings: Finding[];
}

const severityOrder: Record<Finding['severity'], number> = { blocker: 0, warning: 1, note: 2 };

export async function diagnose(fleet: Fleet, host: string, { signal, onStep, others }: DoctorOptions): Promise<Diagnosis> {
  const client = await fleet.client(host, signal);
  onStep?.(`${host}: kernel, rights and tools`);
  const own = await timedFacts(client, signal);
  onStep?.(`${host}: dumping and restoring a probe`);
  const [selftest, beside] = await Promise.all([selfTest(client, signal), Promise.all(others.map((other) => compare(fleet, { client, own }, other, signal)))]);
  const findings = [...own.facts.findings, ...selftest, ...beside.flat()].sort((a, b) => severityOrder[a.severity] - severityOrder[b.severity]);
  // A neighbour's illness is not ours.
  return { host, findings, isFit: findings.every(({ id, severity }) => severity !== 'blocker' || id.startsWith('pair/')) };
}

async function selfTest(client: HelperClient, signal: AbortSignal | undefined): Promise<Finding[]> {
  try {
    return (await client.call('host.selftest', {}, { signal })).findings;
  } catch (thrown) {
    const { code, message, hint, evidence } = ZapError.from(thrown);
    if (!code.startsWith('criu/')) throw thrown;
    return [{ id: 'selftest', severity: 'blocker', message, ...(hint === undefined ? {} : { hint }), data: { code, evidence } }];
  }
}

async function compare(fleet: Fleet, { client, own }: { client: HelperClient; own: KnownFacts }, other: string, signal: AbortSignal | undefined): Promise<Finding[]> {
  try {
    const otherClient = await fleet.client(other, signal);
    const theirs = await timedFacts(otherClient, signal);
    const [there, back] = await Promise.all([reachFinding(client, otherClient, signal), reachFinding(otherClient, client, signal)]);
    const isOwn = ({ id, data }: Finding): boolean => id === 'pair/host-unfit' && data?.['host'] === client.host;
    const pairs = [...pairFindings(own, theirs), ...pairFindings(theirs, own).filter(({ id }) => id === 'pair/cpu-features')].filter((finding) => !isOwn(finding));
    return [...pairs, ...[there, back].filter((finding) => finding !== undefined)];
  } catch (thrown) {
    if (signal?.aborted) throw thrown;
    const error = ZapError.from(thrown);
    return [{ id: 'pair/not-asked', severity: 'note', message: `${other} could not be asked: ${error.message}`, data: { to: other, code: error.code } }];
  }
}
