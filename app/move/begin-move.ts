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
  if (plans.every((plan) => plan?.verdict === 'ready')) startMoves(pods, to, false);
  else openDialog({ kind: 'plan', pods, to });
}

export function startMoves(pods: readonly string[], to: string, resumes: boolean): void {
  for (const pod of pods) void attempt('pod.move', { pod, to, resumes });
}

/** The plans of what is picked up, from what is known: every host answers at once. */
export async function pickUp(pods: readonly string[]): Promise<void> {
  desk.setState({ carry: { pods, plans: {} } });
  const first = pods[0];
  if (first === undefined) return;
  const { plans } = await call('pod.plans', { pod: first }).catch(() => ({ plans: [] as Plan[] }));
  desk.setState(({ carry }) => (carry?.pods === pods ? { carry: { pods, plans: Object.fromEntries(plans.map((plan) => [plan.to, plan])) } } : {}));
}

export function putDown(): void {
  desk.setState({ carry: undefined });
  announce('');
}
