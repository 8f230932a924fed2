/** The plan of a move from what is known already, for every host at once: what a person sees while a POD is in the air. */
import type { FindingView, HostSample, Plan, PodSample, PodView } from '../contract';
import type { PairAnswer } from '../helper-client/facts-cache';
import { predictDowntimeMs } from '../moves/plan';
import type { HostKnowledge } from './host-view';

export interface QuickFacts {
  pod: PodView;
  to: string;
  /** Of the hosts' own facts; only asked for hosts that are connected. */
  pair: PairAnswer;
  isToReady: boolean;
  isFromReady: boolean;
  /** Why the target is not ready, in words. */
  toTrouble?: string | undefined;
  fromKnown: Pick<HostKnowledge, 'environments'>;
  toKnown: Pick<HostKnowledge, 'environments' | 'facts'>;
  toSample?: HostSample | undefined;
  lastSample?: PodSample | undefined;
  podsThere: readonly PodView[];
}

export function quickPlan(facts: QuickFacts): Plan {
  const { pod, to, pair, toKnown, fromKnown, lastSample } = facts;
  const isRunning = pod.state.kind === 'running';
  // A sample without memory is of a POD that is only starting, or of a host that did not say.
  const memory = pod.state.kind === 'suspended' ? pod.state.sizeBytes : lastSample?.memoryBytes || undefined;
  const needsEnvironment = !toKnown.environments.some(({ digest }) => digest === pod.environment.digest);
  const environmentBytes = needsEnvironment ? (fromKnown.environments.find(({ digest }) => digest === pod.environment.digest)?.sizeBytes ?? 0) : 0;
  const plan = {
    pod: pod.id,
    from: pod.host,
    to,
    mode: isRunning ? ('live' as const) : ('stored' as const),
    needsEnvironment: pod.host !== to && needsEnvironment,
    predictedBytes: memory === undefined ? null : { memory, layer: lastSample?.layerBytes ?? 0, environment: pod.host === to ? 0 : environmentBytes },
    predictedDowntimeMs: !isRunning ? 0 : memory === undefined ? null : predictDowntimeMs({ memoryBytes: memory, processes: lastSample?.processes ?? 0 }),
    isExact: false,
  };
  if (pod.host === to) return { ...plan, verdict: 'same', findings: [] };
  const findings = [...stateFindings(facts), ...roomFindings(facts, (memory ?? 0) + (lastSample?.layerBytes ?? 0) + environmentBytes), ...(pair.kind === 'known' ? pair.findings : [])];
  const order: Record<FindingView['severity'], number> = { blocker: 0, warning: 1, note: 2 };
  findings.sort((a, b) => order[a.severity] - order[b.severity]);
  const has = (severity: FindingView['severity']): boolean => findings.some((finding) => finding.severity === severity);
  const verdict = has('blocker') ? 'impossible' : pair.kind === 'unknown' ? 'unknown' : has('warning') ? 'warnings' : 'ready';
  return { ...plan, verdict, findings };
}

function stateFindings({ pod, to, isToReady, isFromReady, toTrouble, podsThere }: QuickFacts): FindingView[] {
  const findings: FindingView[] = [];
  const block = (id: string, message: string, hint?: string): void => void findings.push({ id, severity: 'blocker', message, ...(hint === undefined ? {} : { hint }) });
  if (!isToReady) block('plan/not-connected', toTrouble ?? `${to} is not connected.`, 'Connect it first.');
  if (!isFromReady) block('plan/source-not-connected', `${pod.host} is not connected.`, 'Connect it first.');
  if (pod.state.kind !== 'running' && pod.state.kind !== 'suspended') block('plan/pod-state', `"${pod.name}" is ${pod.state.kind}.`, 'Only a running or a suspended POD can be moved.');
  if (pod.task !== undefined) block('plan/pod-busy', `"${pod.name}" is being worked on.`, 'Wait until that has ended.');
  const others = podsThere.filter(({ id }) => id !== pod.id);
  if (others.some(({ name }) => name === pod.name)) block('plan/name-taken', `${to} has a POD called "${pod.name}" already.`, 'Rename one of them.');
  const { network } = pod;
  if (network.profile === 'lan' && others.some((other) => other.network.profile === 'lan' && other.network.address === network.address)) block('plan/address-taken', `A POD on ${to} has the address ${network.address} already.`);
  return findings;
}

function roomFindings({ pod, to, toKnown, toSample }: QuickFacts, neededBytes: number): FindingView[] {
  const findings: FindingView[] = [];
  const data = { neededBytes };
  if (toKnown.facts && toKnown.facts.diskFreeBytes < neededBytes) findings.push({ id: 'plan/no-space', severity: 'blocker', message: `${to} has not enough room on its disk.`, data });
  if (pod.state.kind === 'running' && toSample && toSample.memoryFreeBytes < neededBytes) findings.push({ id: 'plan/little-memory', severity: 'warning', message: `${to} has little free memory.`, data });
  return findings;
}
