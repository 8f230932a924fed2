/**
 * The commit protocol, decided purely.
 *
 * Each side is a phase, which its journal holds, and a table: what happened, what is done about it in which order, and the phase after that. Helpers carry
 * the actions out one by one (commit-acts.ts) and may die between any two of them; `commit.test.ts` lets them die there, and the messages between
 * them be lost, late, doubled and out of order. Two rules carry it all: nothing runs at the target before the source has stopped its processes
 * in a way that outlasts any helper, and the source ends them only when the target has said that the POD runs there.
 */
import { assertNever } from '../protocol/errors';

export type Verdict = 'commit' | 'abort';

/** What a target says to a verdict. `gone`: it has no copy, nor ever will. `lost` and `lost-running`: its host was restarted, before or after the POD ran there. */
export type Answer = 'running' | 'gone' | 'lost' | 'lost-running';

/**
 * `open`: may still be undone. `committed`: the POD belongs to the target, and stands still here until that has answered. `given-up`: it stays here, which a
 * target with a copy may not have heard. `done`: the target has it; only tidying is left. `superseded`: stopped here, since somebody let the copy run.
 */
export type SourcePhase = 'open' | 'committed' | 'given-up' | 'done' | 'superseded';
/** `open`: nothing promised. `restored`: complete and stopped. `resuming`: about to be let go. `settled`: it is here. `lost`: what had arrived is gone. */
export type TargetPhase = 'open' | 'restored' | 'resuming' | 'settled' | 'lost';

/** What there is of the POD's processes. A stored POD, which has none, counts as frozen. */
export type Tree = 'running' | 'frozen' | 'dead';

export type SourceEvent =
  /** The target has everything, stopped. */
  | { kind: 'ready' }
  /** Anything went wrong, or somebody cancelled. */
  | { kind: 'failed'; mayHaveCopy: boolean; tree: Tree }
  /** A helper started and found the journal. */
  | { kind: 'started'; tree: Tree }
  | { kind: 'answered'; answer: Answer }
  /** A person says which copy it is. */
  | { kind: 'decided'; runHere: boolean };

export type SourceAction =
  | 'freeze' | 'journal committed' | 'journal given-up' | 'journal done' | 'journal superseded'
  | 'release' | 'say commit' | 'say abort' | 'say heard'
  /** Everything of the POD goes. */
  | 'remove'
  /** A person must decide. */
  | 'doubt' | 'forget';

export type TargetEvent =
  | { kind: 'ready' }
  | { kind: 'failed' }
  | { kind: 'started'; tree: Tree; isClone: boolean }
  /** `canRestore`: the images are still there. `wasRestarted`: the host was, since the POD ran here. */
  | { kind: 'verdict'; verdict: Verdict; tree: Tree; canRestore: boolean; wasRestarted: boolean }
  | { kind: 'heard' };

export type TargetAction =
  | 'journal restored' | 'journal resuming' | 'journal settled' | 'journal lost'
  | 'say restored' | 'say running' | 'say gone' | 'say lost' | 'say lost-running'
  | 'restore again' | 'let run' | 'remove' | 'doubt' | 'forget';

export interface Next<Phase, Action> {
  /** `over`: this side knows nothing of the transfer any more. */
  phase: Phase | 'over';
  actions: readonly Action[];
}

export function nextOfSource(phase: SourcePhase, event: SourceEvent): Next<SourcePhase, SourceAction> {
  switch (phase) {
    case 'open':
      if (event.kind === 'ready') return { phase: 'committed', actions: ['freeze', 'journal committed', 'say commit'] };
      if (event.kind === 'failed' && !event.mayHaveCopy) return { phase: 'over', actions: ['release', 'forget'] };
      // Its processes died with the host or by a hand, but what the target has may be complete: then it lives there.
      if (event.kind === 'started' || event.kind === 'failed') return event.tree === 'dead' ? { phase: 'committed', actions: ['journal committed', 'say commit'] } : giveUp;
      return { phase, actions: [] };
    case 'committed':
      if (event.kind === 'started') {
        // Stopped before the commit is written: one that runs was let go because writing failed, or because it is the POD again.
        return event.tree === 'running' ? giveUp : { phase, actions: ['say commit'] };
      }
      if (event.kind === 'failed') return giveUp; // the commit could not be written, so it was not said either
      if (event.kind === 'ready') return { phase, actions: [] };
      if (event.kind === 'answered') return afterCommit(event.answer);
      // Should the target live after all, it is told so, and says so.
      return event.runHere ? giveUp : { phase: 'over', actions: ['journal done', 'remove', 'forget'] };
    case 'given-up':
      if (event.kind === 'started') return { phase, actions: ['release', 'say abort'] };
      if (event.kind !== 'answered') return { phase, actions: [] };
      if (event.answer === 'running') return { phase: 'superseded', actions: ['freeze', 'journal superseded', 'doubt'] };
      return { phase: 'over', actions: ['say heard', 'forget'] };
    case 'done':
      return event.kind === 'started' ? { phase: 'over', actions: ['remove', 'say heard', 'forget'] } : { phase, actions: [] };
    case 'superseded':
      if (event.kind === 'decided') return { phase: 'over', actions: event.runHere ? ['release', 'forget'] : ['remove', 'forget'] };
      return { phase, actions: event.kind === 'started' ? ['freeze', 'doubt'] : [] };
    default:
      return assertNever(phase);
  }
}

const giveUp: Next<SourcePhase, SourceAction> = { phase: 'given-up', actions: ['journal given-up', 'release', 'say abort'] };

function afterCommit(answer: Answer): Next<SourcePhase, SourceAction> {
  switch (answer) {
    case 'running':
      return { phase: 'over', actions: ['journal done', 'say heard', 'remove', 'forget'] };
    case 'gone':
      return { phase: 'over', actions: ['journal given-up', 'release', 'forget'] };
    case 'lost':
      return { phase: 'over', actions: ['journal given-up', 'release', 'say heard', 'forget'] };
    case 'lost-running':
      return { phase: 'committed', actions: ['doubt'] };
    default:
      return assertNever(answer);
  }
}

export function nextOfTarget(phase: TargetPhase, event: TargetEvent): Next<TargetPhase, TargetAction> {
  switch (phase) {
    case 'open':
      if (event.kind === 'ready') return { phase: 'restored', actions: ['journal restored', 'say restored'] };
      return { phase: 'over', actions: event.kind === 'verdict' ? ['remove', 'forget', 'say gone'] : ['remove', 'forget'] };
    case 'restored':
      if (event.kind === 'verdict') return afterVerdict(event);
      if (event.kind === 'failed' || (event.kind === 'started' && event.isClone)) return { phase: 'over', actions: ['remove', 'forget'] };
      return { phase, actions: event.kind === 'started' ? ['doubt'] : [] };
    case 'resuming':
      // Let go or not: that may have been the last thing its helper did. Of what has ended nobody knows whether it ever ran.
      if (event.kind === 'verdict') return { phase, actions: ['say lost-running'] };
      if (event.kind !== 'started') return event.kind === 'heard' ? { phase: 'over', actions: ['remove', 'forget'] } : { phase, actions: [] };
      // Of a clone nobody will ask.
      if (event.tree === 'dead') return event.isClone ? { phase: 'over', actions: ['remove', 'forget'] } : { phase, actions: ['doubt'] };
      return { phase: 'settled', actions: event.tree === 'frozen' ? ['let run', 'journal settled'] : ['journal settled'] };
    case 'settled':
      // Its host was restarted since it ran here, and somebody let it go on where it came from.
      if (event.kind === 'verdict' && event.verdict === 'abort' && event.wasRestarted) return { phase: 'over', actions: ['remove', 'forget', 'say gone'] };
      if (event.kind === 'verdict') return { phase, actions: [event.wasRestarted ? 'say lost-running' : 'say running'] };
      return event.kind === 'heard' ? { phase: 'over', actions: ['forget'] } : { phase, actions: [] };
    case 'lost':
      if (event.kind === 'verdict') return event.verdict === 'commit' ? { phase, actions: ['say lost'] } : { phase: 'over', actions: ['remove', 'forget', 'say gone'] };
      return event.kind === 'heard' ? { phase: 'over', actions: ['remove', 'forget'] } : { phase, actions: [] };
    default:
      return assertNever(phase);
  }
}

function afterVerdict({ verdict, tree, canRestore }: Extract<TargetEvent, { kind: 'verdict' }>): Next<TargetPhase, TargetAction> {
  if (verdict === 'abort') return { phase: 'over', actions: ['remove', 'forget', 'say gone'] };
  const go: TargetAction[] = ['journal resuming', 'let run', 'journal settled', 'say running'];
  if (tree !== 'dead') return { phase: 'settled', actions: go };
  return canRestore ? { phase: 'settled', actions: ['restore again', ...go] } : { phase: 'lost', actions: ['journal lost', 'say lost'] };
}

/** What a source that has no journal of a transfer says about it: nothing was ever promised of a POD that is here. */
export function presumed(isPodHere: boolean): 'abort' | 'unknown' {
  return isPodHere ? 'abort' : 'unknown';
}
