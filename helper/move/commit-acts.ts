/** What the commit protocol decides, carried out. */
import { reach } from '../system/fault-point';
import { nextOfSource, nextOfTarget, type SourceAction, type SourceEvent, type SourcePhase, type TargetAction, type TargetEvent, type TargetPhase } from './commit';

export type SourceHands = Record<SourceAction, () => Promise<void> | void>;
export type TargetHands = Record<TargetAction, () => Promise<void> | void>;

/** Returns the phase after `event`, with everything done that leads there. */
export async function stepSource(phase: SourcePhase | 'over', event: SourceEvent, hands: SourceHands): Promise<SourcePhase | 'over'> {
  if (phase === 'over') return phase;
  const next = nextOfSource(phase, event);
  for (const action of next.actions) {
    await hands[action]();
    reach(`source did: ${action}`);
  }
  return next.phase;
}

export async function stepTarget(phase: TargetPhase | 'over', event: TargetEvent, hands: TargetHands): Promise<TargetPhase | 'over'> {
  if (phase === 'over') return phase;
  const next = nextOfTarget(phase, event);
  for (const action of next.actions) {
    await hands[action]();
    reach(`target did: ${action}`);
  }
  return next.phase;
}
