/** Plans for one POD and all hosts, from what the desk knows. */
import type { Plan, PodView } from '../contract';
import type { Desk } from './desk';
import { quickPlan } from './plans';

export function quickPlans(desk: Desk, pod: PodView): Plan[] {
  const lastSample = desk.sampler.of(pod.id).at(-1);
  const isFromReady = desk.clientOf(pod.host) !== undefined;
  return desk.hostNames.filter((host) => desk.links.has(host)).map((to) => {
    const isToReady = desk.clientOf(to) !== undefined;
    const connection = desk.links.get(to)?.connection;
    const knowledge = desk.knowledge(to);
    return quickPlan({
      pod,
      to,
      isToReady,
      isFromReady,
      pair: isToReady && isFromReady && to !== pod.host ? desk.facts.pair(pod.host, to, pod.state.kind === 'running' ? pod.id : undefined) : { kind: 'unknown', missing: [to] },
      toTrouble: connection?.kind === 'failed' ? connection.error.message : undefined,
      fromKnown: desk.knowledge(pod.host),
      toKnown: knowledge,
      toSample: knowledge.samples.at(-1),
      lastSample,
      podsThere: desk.store.allPods.filter(({ host }) => host === to),
    });
  });
}
