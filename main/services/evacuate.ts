/** All PODs of a host, one after another, each as a task of its own to the host that suits it. */
import { ZapError } from '../../helper/protocol/errors';
import type { PodView, TaskOutcome } from '../contract';
import type { TaskContext } from '../tasks/board';
import type { Desk } from './desk';
import { quickPlans } from './pod-plans';
import { startMove } from './moves';

export async function evacuate(desk: Desk, { host, to }: { host: string; to?: string | undefined }, context: TaskContext): Promise<TaskOutcome> {
  if (host === to) throw new ZapError('move/same-host', `${host} cannot be evacuated to itself.`);
  await desk.settled(context.signal);
  desk.ready(host);
  await desk.refresh(desk.fleet.hosts, true); // right after a start little is known yet, and what is not known cannot be chosen
  const pods = desk.store.allPods.filter((pod) => pod.host === host && (pod.state.kind === 'running' || pod.state.kind === 'suspended'));
  const failures: string[] = [];
  for (const [index, pod] of pods.entries()) {
    context.signal.throwIfAborted();
    context.item(index + 1, pods.length);
    context.progress({ phase: 'move' });
    const target = to ?? bestHost(desk, pod);
    if (target === undefined) {
      failures.push(`${pod.name}: no host can take it`);
      context.log(failures.at(-1)!);
      continue;
    }
    context.log(`${pod.name} → ${target}`);
    const task = startMove(desk, pod.id, { to: target, resumes: pod.state.kind === 'running', parent: context.id });
    const onAbort = (): void => {
      try {
        desk.board.cancel(task);
      } catch {
        // committed: this one goes on to its end, and no further one begins
      }
    };
    context.signal.addEventListener('abort', onAbort, { once: true });
    const ended = await desk.board.finished(task);
    context.signal.removeEventListener('abort', onAbort);
    if (ended?.state.kind === 'failed') failures.push(`${pod.name}: ${ended.state.error.message}`);
  }
  if (context.signal.aborted) throw new ZapError('cancelled/by-user', 'Cancelled.');
  if (failures.length > 0) throw new ZapError('move/not-all', `${failures.length} of ${pods.length} PODs are still on ${host}.`, { evidence: failures, data: { host } });
  return { note: `${pods.length} PODs left ${host}.` };
}

/** Ready before ready with warnings, with its environment before without, and then the one with most free memory. */
function bestHost(desk: Desk, pod: PodView): string | undefined {
  const rank = { ready: 2, warnings: 1 } as Partial<Record<string, number>>;
  const freeBytes = (host: string): number => desk.knowledge(host).samples.at(-1)?.memoryFreeBytes ?? 0;
  const plans = quickPlans(desk, pod).filter(({ verdict }) => rank[verdict] !== undefined);
  plans.sort((a, b) => rank[b.verdict]! - rank[a.verdict]! || Number(a.needsEnvironment) - Number(b.needsEnvironment) || freeBytes(b.to) - freeBytes(a.to));
  return plans[0]?.to;
}
