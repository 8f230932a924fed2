/**
 * All hosts' PODs as one list.
 *
 * Each host says what it has; a POD that two hosts know is told by the copy that stands for it. While a task moves it, a moment in which neither has been
 * asked yet must not make it vanish.
 */
import type { PodView, Task } from '../contract';
import { foremost, type LocatedPod, type Pod } from '../pods/locate';

export interface ProjectionInput {
  /** What each host said last. */
  podsOf: ReadonlyMap<string, readonly Pod[]>;
  isReady: (host: string) => boolean;
  atWork: readonly Task[];
  before: readonly PodView[];
}

export function projectPods({ podsOf, isReady, atWork, before }: ProjectionInput): PodView[] {
  const copies = new Map<string, LocatedPod[]>();
  for (const [host, pods] of podsOf) {
    for (const pod of pods) copies.set(pod.id, [...(copies.get(pod.id) ?? []), { host, pod }]);
  }
  const tasks = new Map(atWork.flatMap((task) => (task.subject.pod === undefined || task.kind === 'host.evacuate' ? [] : [[task.subject.pod, task] as const])));
  const views = [...copies.values()].map((those) => {
    // Of a host that is gone we know only what was; one that answers is nearer to the truth.
    const answering = those.filter(({ host }) => isReady(host));
    const { host, pod } = foremost(answering.length > 0 ? answering : those);
    return view(pod, host, !isReady(host), tasks.get(pod.id));
  });
  const between = before.filter(({ id, host }) => !copies.has(id) && tasks.has(id) && tasks.get(id)!.kind !== 'pod.delete' && podsOf.has(host));
  return [...views, ...between.map((pod) => ({ ...pod, isStale: true, ...workOn(tasks.get(pod.id)) }))];
}

function view(pod: Pod, host: string, isStale: boolean, task: Task | undefined): PodView {
  return { ...pod, host, isStale, ...workOn(task) };
}

function workOn(task: Task | undefined): { task?: string; destination?: string } {
  if (!task) return {};
  const isLeaving = task.kind === 'pod.move' || (task.kind === 'pod.resume' && task.subject.to !== undefined);
  return { task: task.id, ...(isLeaving && task.subject.to !== undefined ? { destination: task.subject.to } : {}) };
}
