/** What the commit protocol decides, carried out. */
import { reach } from '../system/fault-point';
import { nextOfSource, nextOfTarget, type Next, type SourceAction, type SourceEvent, type SourcePhase, type TargetAction, type TargetEvent, type TargetPhase } from './commit';

export type SourceHands = Record<SourceAction, () => Promise<void> | void>;
export type TargetHands = Record<TargetAction, () => Promise<void> | void>;

/** Returns the phase after `event`, with everything done that leads there. */
export async function stepSource(phase: SourcePhase | 'over', event: SourceEvent, hands: SourceHands): Promise<SourcePhase | 'over'> {
  return phase === 'over' ? phase : carryOut('source', nextOfSource(phase, event), hands);
}

export async function stepTarget(phase: TargetPhase | 'over', event: TargetEvent, hands: TargetHands): Promise<TargetPhase | 'over'> {
  return phase === 'over' ? phase : carryOut('target', nextOfTarget(phase, event), hands);
}

async function carryOut<Phase, Action extends string>(side: 'source' | 'target', next: Next<Phase, Action>, hands: Record<Action, () => Promise<void> | void>): Promise<Phase | 'over'> {
  for (const action of next.actions) {
    await hands[action]();
    reach(`${side} did: ${action}`);
  }
  return next.phase;
}
