/** From a drop, a dialog or the palette to a move: through the plan sheet, unless the person chose to skip it and there is nothing to warn of. */
import type { Plan } from '../../main/contract';
import { call } from '../bridge/zap';
import { attempt } from '../commands/operate';
import { announce, desk, openDialog } from '../state/desk';
import { world } from '../state/world';

export function beginMove(pods: readonly string[], to: string): void {
  const { pods: known, settings } = world.getState();
  const leaving = pods.filter((id) => known[id] && known[id].host !== to);
  if (leaving.length === 0) return;
  if (!settings.skipsPlan) openDialog({ kind: 'plan', pods: leaving, to });
  else void moveUnlessWarned(leaving, to);
}

async function moveUnlessWarned(pods: readonly string[], to: string): Promise<void> {
  const plans = await Promise.all(pods.map((pod) => call('pod.plan', { pod, to }).catch(() => undefined)));
  if (plans.every((plan) => plan?.verdict === 'ready')) startMoves(pods, to, { resumes: false });
  else openDialog({ kind: 'plan', pods, to });
}

export interface MoveWishes {
  resumes: boolean;
  keepsMemory?: boolean;
}

export function startMoves(pods: readonly string[], to: string, wishes: MoveWishes): void {
  for (const pod of pods) void attempt('pod.move', { pod, to, ...wishes });
}

const ASK_AGAIN_MS = 500;

/** The plans of what is picked up, from what is known: every host answers at once, and again while one of them knows too little. */
export function pickUp(pods: readonly string[]): void {
  desk.setState({ carry: { pods, plans: {} } });
  const first = pods[0];
  if (first === undefined) return;
  const isCarried = (): boolean => desk.getState().carry?.pods === pods;
  void followPlans(first, (plans) => isCarried() && desk.setState({ carry: { pods, plans } }), isCarried);
}

export type PlansByHost = Readonly<Record<string, Plan>>;

/** Asks for the plans of a POD until all hosts have answered, or nobody wants to know any more. */
export async function followPlans(pod: string, onPlans: (plans: PlansByHost) => void, isWanted: () => boolean): Promise<void> {
  while (isWanted()) {
    const { plans } = await call('pod.plans', { pod }).catch(() => ({ plans: [] as Plan[] }));
    if (!isWanted()) return;
    onPlans(Object.fromEntries(plans.map((plan) => [plan.to, plan])));
    if (plans.every(({ verdict }) => verdict !== 'unknown')) return;
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
  }
}

export function putDown(): void {
  desk.setState({ carry: undefined });
  announce('');
}
