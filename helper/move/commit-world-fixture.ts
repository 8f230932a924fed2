/**
 * Two hosts, a POD and a bad network, just large enough to try the commit protocol in.
 *
 * Helpers die between any two actions, hosts lose power, writes fail, processes are killed, messages are lost, doubled and overtaken. After each action the
 * one rule is checked that nothing may ever break: no two live copies.
 */
import { nextOfSource, nextOfTarget, presumed, type Answer, type SourceAction, type SourceEvent, type SourcePhase, type TargetAction, type TargetEvent, type TargetPhase, type Tree, type Verdict } from './commit';

export type Side = 'source' | 'target';
export type Message =
  | { to: 'source'; kind: 'restored' }
  | { to: 'source'; kind: 'answer'; answer: Answer }
  | { to: 'target'; kind: 'verdict'; verdict: Verdict }
  | { to: 'target'; kind: 'heard' };

class HelperDied extends Error {}
class WriteFailed extends Error {}

/** What CRIU alone holds runs on when its helper dies; what the control group holds does not. */
type SourceTree = Tree | 'held';

export class World {
  source = { isUp: true, isSending: true, phase: 'open' as SourcePhase | 'over', written: 'open' as SourcePhase | 'over', tree: 'held' as SourceTree, isDoubted: false };
  target = { isUp: true, isReceiving: true, phase: 'open' as TargetPhase | 'over', durable: 'open' as TargetPhase | 'over', tree: 'none' as Tree | 'none', hasImages: false, hasRun: false, wasRestarted: false, isDoubted: false };
  messages: Message[] = [];
  /** Every copy was on hosts that lost power: nothing can be promised then but to say so. */
  isInherentlyLost = false;
  hasPersonDecided = false;
  private readonly diesAfter: Record<Side, number> = { source: Infinity, target: Infinity };
  private readonly failsToWrite: Record<Side, boolean> = { source: false, target: false };

  get liveCopies(): number {
    return Number(this.source.tree === 'running') + Number(this.target.tree === 'running');
  }

  restore(): void {
    const { target } = this;
    if (!target.isUp || !target.isReceiving || target.phase !== 'open') return;
    Object.assign(target, { tree: 'frozen', hasImages: true });
    this.stepTarget({ kind: 'ready' });
  }

  deliver(index: number): void {
    const [message] = this.messages.splice(index, 1);
    if (!message || !this[message.to].isUp) return;
    if (message.kind === 'restored') {
      if (this.source.isSending) this.stepSource({ kind: 'ready' });
    } else if (message.kind === 'answer') this.stepSource({ kind: 'answered', answer: message.answer });
    else if (message.kind === 'heard') this.stepTarget({ kind: 'heard' });
    else this.hearVerdict(message.verdict);
  }

  private hearVerdict(verdict: Verdict): void {
    const { target } = this;
    if (target.phase === 'over') this.messages.push({ to: 'source', kind: 'answer', answer: 'gone' });
    else this.stepTarget({ kind: 'verdict', verdict, tree: target.tree === 'none' ? 'dead' : target.tree, canRestore: target.hasImages, wasRestarted: target.wasRestarted });
  }

  /** The user cancels, or something goes wrong, before the commit. */
  fail(): void {
    if (this.source.isUp && this.source.isSending && this.source.phase === 'open') this.stepSource({ kind: 'failed', mayHaveCopy: true, tree: this.sourceTree });
  }

  /** What a helper sees of it. */
  private get sourceTree(): Tree {
    const { tree } = this.source;
    return tree === 'held' ? 'frozen' : tree;
  }

  /** Says its word again. */
  insist(): void {
    const { source } = this;
    if (!source.isUp) return;
    if (source.phase === 'committed') this.messages.push({ to: 'target', kind: 'verdict', verdict: 'commit' });
    if (source.phase === 'given-up') this.messages.push({ to: 'target', kind: 'verdict', verdict: 'abort' });
  }

  /** The desktop sees a copy in doubt and carries what the source says about it. */
  desktop(): void {
    const { source, target } = this;
    if (!source.isUp || !target.isUp || target.phase !== 'restored') return;
    const isHere = source.tree !== 'dead';
    const word = source.phase === 'committed' ? 'commit' : source.phase === 'given-up' ? 'abort' : source.phase === 'over' ? presumed(isHere) : 'unknown';
    if (word !== 'unknown') this.messages.push({ to: 'target', kind: 'verdict', verdict: word });
  }

  /** Somebody who knows that the source is dead lets the copy run. */
  person(): void {
    if (this.source.tree !== 'dead' || !this.target.isUp || this.target.phase !== 'restored') return;
    this.hasPersonDecided = true;
    this.hearVerdict('commit');
  }

  /** Somebody who takes the target for lost brings back what is kept at the source, rightly or not. */
  personAtSource(): void {
    if (!this.source.isUp || this.source.phase !== 'committed' || this.source.tree !== 'frozen') return;
    this.hasPersonDecided = true;
    this.stepSource({ kind: 'decided', runHere: true });
  }

  dieAfter(side: Side, actions: number): void {
    if (actions === 0) this.die(side);
    else this.diesAfter[side] = actions;
  }

  failWrites(side: Side, fails: boolean): void {
    this.failsToWrite[side] = fails;
  }

  die(side: Side): void {
    const { source, target } = this;
    this.diesAfter[side] = Infinity;
    if (!this[side].isUp) return;
    this[side].isUp = false;
    if (side === 'source') {
      source.isSending = false;
      source.phase = source.written;
      if (source.tree === 'held') source.tree = 'running';
    } else target.isReceiving = false;
    this.check();
  }

  start(side: Side): void {
    const { target } = this;
    if (this[side].isUp) return;
    this[side].isUp = true;
    if (side === 'source') this.stepSource({ kind: 'started', tree: this.sourceTree });
    else this.stepTarget({ kind: 'started', tree: target.tree === 'none' ? 'dead' : target.tree, isClone: false });
  }

  /** What was written without waiting for the disk may be gone as well. */
  cutPower(side: Side, losesTail: boolean): void {
    const { source, target } = this;
    if (this[side].tree === 'running' && !(side === 'target' && source.tree === 'frozen')) this.isInherentlyLost = true; // it lived there, and nowhere else
    if (side === 'source' && source.phase === 'given-up') this.isInherentlyLost = true; // likewise, from that word on
    if (side === 'source') source.tree = 'dead';
    else {
      if (losesTail) target.phase = target.durable;
      Object.assign(target, { tree: target.tree === 'none' ? 'none' : 'dead', hasImages: false, wasRestarted: true });
    }
    this.die(side);
    if (!this.hasCopy) this.isInherentlyLost = true;
  }

  /** The first process of a stopped copy is killed. */
  killStopped(side: Side): void {
    if (side === 'source' && (this.source.tree === 'held' || this.source.tree === 'frozen')) {
      this.source.tree = 'dead';
      if (this.source.phase === 'given-up') this.isInherentlyLost = true; // given up, so it lived there alone
    }
    if (side === 'target' && this.target.tree === 'frozen') this.target.tree = 'dead';
    if (!this.hasCopy) this.isInherentlyLost = true;
  }

  private get hasCopy(): boolean {
    const { source, target } = this;
    const isTargetComplete = target.hasImages || target.tree === 'frozen' || target.tree === 'running';
    return (source.tree !== 'dead' && source.phase !== 'done') || isTargetComplete;
  }

  /** Everything works from now on, until nothing changes any more. */
  heal(): void {
    this.diesAfter.source = this.diesAfter.target = Infinity;
    this.failsToWrite.source = this.failsToWrite.target = false;
    for (let round = 0; round < 8; round++) {
      this.fail();
      this.start('source');
      this.start('target');
      this.insist();
      this.desktop();
      for (let left = this.messages.length; left > 0; left--) this.deliver(0);
    }
    if (this.target.phase === 'open') this.die('target');
    this.start('target');
  }

  check(): void {
    if (this.liveCopies > 1 && !this.hasPersonDecided) throw new Error('two live copies');
  }

  private stepSource(event: SourceEvent): void {
    const { source } = this;
    if (source.phase === 'over') return;
    const next = nextOfSource(source.phase, event);
    this.perform('source', next.actions, (action) => this.actAtSource(action), () => this.stepSource({ kind: 'failed', mayHaveCopy: true, tree: this.sourceTree }));
  }

  private stepTarget(event: TargetEvent): void {
    const { target } = this;
    if (target.phase === 'over') return;
    const next = nextOfTarget(target.phase, event);
    this.perform('target', next.actions, (action) => this.actAtTarget(action), () => this.stepTarget({ kind: 'failed' }));
  }

  private perform<Action extends string>(side: Side, actions: readonly Action[], act: (action: Action) => void, failed: () => void): void {
    try {
      for (const action of actions) {
        act(action);
        this.check();
        if (--this.diesAfter[side] <= 0) throw new HelperDied();
      }
    } catch (error) {
      if (error instanceof HelperDied) this.die(side);
      else if (error instanceof WriteFailed) failed();
      else throw error;
    }
  }

  /** Only what the protocol can still turn back on may fail; later writes are repeated until they succeed. */
  private writes(side: Side, canFail: boolean): void {
    if (this.failsToWrite[side] && canFail) throw new WriteFailed();
  }

  private actAtSource(action: SourceAction): void {
    const { source } = this;
    switch (action) {
      case 'freeze':
        if (source.tree === 'held' || source.tree === 'running') source.tree = 'frozen';
        return;
      case 'journal committed':
        source.phase = source.written = 'committed'; // a write that is said to have failed may still be there
        return this.writes('source', source.tree === 'frozen');
      case 'journal given-up':
        source.phase = 'given-up';
        if (!this.failsToWrite.source) source.written = 'given-up'; // else gone on without
        return;
      case 'journal done':
        source.phase = source.written = 'done';
        return;
      case 'journal superseded':
        source.phase = source.written = 'superseded';
        return;
      case 'release':
        if (source.tree !== 'dead') source.tree = 'running';
        return;
      case 'say commit':
        return void this.messages.push({ to: 'target', kind: 'verdict', verdict: 'commit' });
      case 'say abort':
        return void this.messages.push({ to: 'target', kind: 'verdict', verdict: 'abort' });
      case 'say heard':
        return void this.messages.push({ to: 'target', kind: 'heard' });
      case 'remove':
        if (source.tree === 'running') throw new Error('a running tree was removed');
        if (!this.isAtTarget) throw new Error('the last copy was removed');
        source.tree = 'dead';
        return;
      case 'doubt':
        source.isDoubted = true;
        return;
      case 'forget':
        source.phase = source.written = 'over';
    }
  }

  private get isAtTarget(): boolean {
    const { target } = this;
    return target.tree === 'running' || target.hasRun;
  }

  private actAtTarget(action: TargetAction): void {
    const { target } = this;
    switch (action) {
      case 'journal restored':
        this.writes('target', true);
        target.phase = 'restored';
        return;
      case 'journal resuming':
        target.phase = 'resuming';
        return;
      case 'journal settled':
        target.phase = target.durable = 'settled';
        target.hasImages = false;
        return;
      case 'journal lost':
        target.phase = target.durable = 'lost';
        return;
      case 'restore again':
        target.tree = 'frozen';
        return;
      case 'let run':
        if (target.tree !== 'frozen') throw new Error(`let run what is ${target.tree}`);
        target.tree = 'running';
        target.hasRun = true;
        return;
      case 'remove':
        if (target.tree === 'running') throw new Error('a running copy was removed');
        Object.assign(target, { tree: 'none', hasImages: false });
        return;
      case 'doubt':
        target.isDoubted = true;
        return;
      case 'forget':
        target.phase = target.durable = 'over';
        return;
      case 'say restored':
        return void this.messages.push({ to: 'source', kind: 'restored' });
      default:
        this.messages.push({ to: 'source', kind: 'answer', answer: action.slice('say '.length) as Answer });
    }
  }
}
