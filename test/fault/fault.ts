/**
 * One fault: an operation that stops at a moment, the strike, what came of it, and the same operation once more.
 *
 * Whatever happened, afterwards there is exactly one live POD, or one whole checkpoint and a plain statement of where it is; nothing of it is anywhere else,
 * and what was tried succeeds at the next attempt.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { assertNever } from '../../helper/protocol/errors';
import type { Fleet } from '../../main/helper-client/fleet';
import { listSettled } from '../../main/moves/settle';
import type { LocatedPod } from '../../main/pods/locate';
import { until } from '../integration/support/until';
import { hostNames, type FaultLab, type Host } from './fault-lab';
import { inject, mend, TooLate } from './inject';
import { newName, operate, resume, suspend, told, wordsFor, type Attempt } from './operate';
import type { Fault } from './plan';
import { Random } from './random';
import { aliveTogether, isHeld, lifeOf, untidy, type Pod } from './witness';

/**
 * What became of the operation. `decided`: in doubt, until a person said which copy it is. `gone`: its processes ended with the only host they lived on, or by
 * the kill of the first of them, and that is said.
 */
export type Ending = 'done' | 'undone' | 'decided' | 'gone';

export interface Outcome {
  fault: Fault;
  ending: Ending | undefined;
  /** Where the POD was afterwards, in a word, and what the operation said. */
  ended: string;
  said: string;
  /** Nothing: all is as it must be. */
  problems: string[];
  /** The moment never came, so nothing was injected. */
  isMissed: boolean;
  seconds: number;
}

/** So many faults share the connections of one desktop. */
const restEvery = 8;
const reachWithinMs = 60_000;
/** For what is to be true at once, on machines that have much else to do. */
const patienceMs = 20_000;
const endWithinMs = 120_000;
const settleWithinMs = 60_000;

export class Run {
  private pod: Pod | undefined;
  private host: Host = 'alpha';
  private fleet: Fleet | undefined;
  private doubled = '';

  constructor(
    private readonly lab: FaultLab,
    private readonly seed: number,
  ) {}

  async one(fault: Fault): Promise<Outcome> {
    const startedMs = performance.now();
    const outcome: Outcome = { fault, ending: undefined, ended: '', said: '', problems: [], isMissed: false, seconds: 0 };
    try {
      await this.strike(fault, outcome);
    } catch (error) {
      outcome.problems.push(`harness: ${(error as Error).message.split('\n')[0]}`);
    }
    await mend(this.lab, hostNames).catch((error: unknown) => outcome.problems.push(`mending: ${(error as Error).message}`));
    if (outcome.problems.length > 0) await this.clear().catch(() => {});
    outcome.seconds = (performance.now() - startedMs) / 1000;
    return outcome;
  }

  private async strike(fault: Fault, outcome: Outcome): Promise<void> {
    const { lab } = this;
    const random = new Random(this.seed * 100_003 + fault.number);
    const { operation, moment, injection } = fault;
    const pod = await this.ready(operation);
    const from = this.host;
    const to = random.pick(hostNames.filter((host) => host !== from));
    const attempt: Attempt = { operation, pod, from, to, copyName: newName('copy') };
    const host = moment.side === 'target' ? to : from;
    const isBetweenHosts = operation === 'move' || operation === 'move-stored' || operation === 'clone';
    for (const name of hostNames) lab.arm(name);
    const watch = this.watch(pod);
    const fleet = await this.openFleet();
    const rivals: Promise<unknown>[] = [];
    let putRight = async (): Promise<void> => {};
    try {
      if (injection === 'same name') await this.rival(attempt);
      lab.stopAt(host, moment.name, injection === 'EIO' ? 'EIO' : '');
      const command = injection === 'kill desktop' ? lab.startCommand(wordsFor(attempt)) : undefined;
      const going = command ? new Promise<string>((resolve) => command.once('close', () => resolve('the command was killed'))) : operate(lab, fleet, attempt).then(() => 'done', told);
      let isEnded = false;
      void going.then(() => (isEnded = true));
      await until(moment.name, () => isEnded || lab.isReached(host, moment.name), { withinMs: reachWithinMs, everyMs: 3 }).catch(() => {});
      outcome.isMissed = !lab.isReached(host, moment.name);
      const desktops = injection === 'two desktops' ? this.second(attempt, hostNames.find((name) => name !== from && name !== to)!) : injection === 'same name' ? this.sameName(attempt) : undefined;
      if (desktops) rivals.push(desktops);
      if (desktops) await delay(random.below(300));
      putRight = await inject(injection, {
        lab, host, other: isBetweenHosts ? (host === from ? to : from) : undefined, pod, goOn: () => (lab.isUp(host) ? lab.goOn(host, moment.name) : undefined), desktop: { kill: () => command?.kill('SIGKILL') }, ended: going, isRestoring: moment.side === 'target' || operation === 'resume', isLong: random.below(8) === 0, delayMs: random.below(40),
      }).catch((error: unknown) => {
        if (!(error instanceof TooLate)) throw error;
        outcome.isMissed = true;
        return async () => {};
      });
      outcome.said = await withDeadline(going, endWithinMs, 'the operation does not come to an end');
      if (outcome.said.startsWith('internal/')) outcome.problems.push(`SAID: ${outcome.said}`); // no plain statement
      await Promise.all(rivals);
      await putRight();
      putRight = async () => {};
      await this.examine(fault, attempt, outcome);
    } finally {
      const wasTwice = watch.stop();
      if (wasTwice) outcome.problems.push(`DOUBLED: it ran on ${wasTwice}`);
      await putRight();
    }
  }

  /** A POD in the state that the operation starts from. */
  private async ready(operation: Fault['operation']): Promise<Pod> {
    const { lab } = this;
    if (this.pod && operation !== 'resume' && operation !== 'move-stored') return this.pod;
    const fleet = await this.openFleet();
    if (!this.pod) {
      this.host = 'alpha';
      const name = newName('pod');
      const id = await lab.create(fleet, name, this.host);
      const record = lab.views[this.host].record(name)!;
      const life = await until('its first sign of life', () => lifeOf(lab.views[this.host], id));
      this.pod = { ...record, token: life.token };
    }
    if (operation === 'resume' || operation === 'move-stored') await suspend(fleet, this.host, this.pod);
    return this.pod;
  }

  /** One desktop for several faults: what a fault cuts off is connected again. */
  private async openFleet(): Promise<Fleet> {
    return (this.fleet ??= await this.lab.openFleet());
  }

  /** Closes the desktop; without it helpers come to their end. */
  async rest(): Promise<void> {
    await this.fleet?.close();
    this.fleet = undefined;
    await this.lab.idle();
  }

  /** Looks all the time whether it runs twice. */
  private watch(pod: Pod): { stop: () => string } {
    let isOver = false;
    this.doubled = '';
    const look = async (): Promise<void> => {
      while (!isOver) {
        const hosts = await aliveTogether(this.lab, pod);
        if (hosts.length > 1) this.doubled = hosts.join(' and ');
        await delay(60);
      }
    };
    void look().catch(() => {});
    return { stop: () => ((isOver = true), this.doubled) };
  }

  private async second(attempt: Attempt, elsewhere: Host): Promise<void> {
    await this.lab.withFleet((fleet) => operate(this.lab, fleet, { ...attempt, operation: 'move', to: elsewhere })).catch(() => {});
  }

  private twin: { id: string; name: string; host: Host } | undefined;

  /** Another POD of the same name, which two inventories that do not know each other can bring about. */
  private async rival({ pod, from, to }: Attempt): Promise<void> {
    const host = hostNames.find((name) => name !== from && name !== to)!;
    const id = await this.lab.withFleet((fleet) => this.lab.create(fleet, pod.name, host));
    this.twin = { id, name: pod.name, host };
  }

  private async sameName({ to }: Attempt): Promise<void> {
    await this.lab.withFleet((fleet) => operate(this.lab, fleet, { operation: 'move', pod: { id: this.twin!.id } as Pod, from: this.twin!.host, to, copyName: '' })).catch(() => {});
  }

  private async examine(fault: Fault, attempt: Attempt, outcome: Outcome): Promise<void> {
    const { pod, copyName } = attempt;
    const fleet = await this.openFleet();
    let place = await this.settled(fleet, pod.id, outcome);
    if (this.twin) await this.removeTwin(fleet, outcome);
    if (place?.pod.state.kind === 'in-doubt') {
      outcome.ended = `in doubt on ${place.host}, then `;
      outcome.ending = 'decided';
      await (await fleet.client(place.host)).call('pod.recover', { pod: pod.id, decision: 'run-here' });
      place = await this.settled(fleet, pod.id, outcome);
    }
    const kind = place?.pod.state.kind;
    const isGoneAsWanted = fault.operation === 'delete' && !place;
    outcome.ended += place ? `${kind} on ${place.host}` : 'nowhere';
    outcome.ending ??= endingOf(attempt, place);
    if (!isGoneAsWanted && kind !== 'running' && kind !== 'suspended') {
      if (!mayBeLost(outcome, kind) && !(fault.operation === 'delete' && kind === 'exited')) outcome.problems.push(`LOST: it is ${kind ?? 'nowhere'}`);
      else if (place) await this.discard(fleet, place);
      this.pod = undefined;
    }
    if (isGoneAsWanted) this.pod = undefined;
    if (place) this.host = place.host as Host;
    if (this.pod && kind) await this.requireWhole(fleet, pod, outcome);
    await this.examineCopies(fault, copyName, outcome);
    await this.requireTidy(pod, outcome);
    if (outcome.problems.length === 0) await this.again(attempt, outcome);
    const isPause = fault.number % restEvery === 0 || outcome.problems.length > 0;
    if (isPause) await this.rest().catch(() => outcome.problems.push('LEFT: helpers that do not end'));
  }

  /** Where it is, once nobody is at work on it any more. Asking is what brings helpers up, and with them recovery. */
  private async settled(fleet: Fleet, id: string, outcome: Outcome): Promise<LocatedPod | undefined> {
    let places: LocatedPod[] = [];
    await until('an end', async () => {
      const isAtWork = hostNames.some((host) => isHeld(this.lab.views[host], id));
      const { pods, failures } = await listSettled(fleet);
      places = pods.filter(({ pod }) => pod.id === id);
      if (isAtWork && places.every(({ pod }) => pod.state.kind !== 'in-doubt')) return false; // who is in doubt waits, at work
      // A target that was restarted after the POD ran there says that it was lost there.
      const isOneOrInDoubt = places.length < 2 || (places.every(({ pod }) => pod.state.kind === 'in-doubt' || pod.state.kind === 'lost') && places.some(({ pod }) => pod.state.kind === 'in-doubt'));
      return failures.length === 0 && isOneOrInDoubt && places.every(({ pod }) => pod.state.kind !== 'moving');
    }, { withinMs: settleWithinMs, everyMs: 200 }).catch(() => outcome.problems.push(`UNSETTLED: ${places.map(({ host, pod }) => `${pod.state.kind} on ${host}`).join(', ') || 'a host does not answer'}`));
    // What stands still at the source is whole for certain.
    return places.find(({ pod }) => pod.state.kind === 'in-doubt' && pod.state.role === 'source') ?? places[0];
  }

  /** The same life as before, now or after a resume, and it goes on; its link is open. */
  private async requireWhole(fleet: Fleet, pod: Pod, outcome: Outcome): Promise<void> {
    const record = this.lab.views[this.host].record(pod.name);
    if (record?.state.kind === 'suspended') await resume(fleet, this.host, pod).catch((error: unknown) => outcome.problems.push(`LOST: its checkpoint cannot be resumed: ${told(error)}`));
    const before = await lifeOf(this.lab.views[this.host], pod.id);
    if (before?.token !== pod.token) return void outcome.problems.push(`LOST: another life, or none: ${before?.token ?? 'nothing'}`);
    await until('that it goes on', async () => ((await lifeOf(this.lab.views[this.host], pod.id))?.count ?? 0) > before.count, { withinMs: patienceMs }).catch(() => outcome.problems.push('LOST: it stands still'));
  }

  private async requireTidy(pod: Pod, outcome: Outcome): Promise<void> {
    for (const host of hostNames) {
      const view = this.lab.views[host];
      const isHere = this.pod !== undefined && host === this.host;
      const look = (): string[] => (isHere ? untidy(view, pod, true) : view.traces(pod));
      await until('', () => look().length === 0, { withinMs: patienceMs }).catch(() => {});
      for (const trace of look()) outcome.problems.push(`LEFT on ${host}: ${trace}`);
    }
  }

  /** What the operation was to make is whole, or not there at all. */
  private async examineCopies({ operation }: Fault, name: string, outcome: Outcome): Promise<void> {
    if (operation !== 'clone' && operation !== 'create') return;
    let fleet = await this.openFleet();
    const find = async (desktop: Fleet): Promise<LocatedPod[]> => (await listSettled(desktop)).pods.filter(({ pod }) => pod.name === name);
    const isWhole = ({ pod }: LocatedPod): boolean => pod.state.kind === 'running' || pod.state.kind === 'suspended';
    let copies = await find(fleet);
    if (!copies.every(isWhole)) {
      // What a disk that did not work has left is taken away when it works again, or when the next helper starts.
      await this.rest();
      fleet = await this.openFleet();
      copies = await find(fleet);
      for (const { host, pod } of copies.filter((copy) => !isWhole(copy))) outcome.problems.push(`LEFT on ${host}: a copy that is ${pod.state.kind}`);
    }
    if (copies.length > 1) outcome.problems.push(`DOUBLED: the copy is on ${copies.map(({ host }) => host).join(' and ')}`);
    for (const copy of copies) {
      const view = this.lab.views[copy.host as Host];
      const record = view.record(name)!;
      outcome.ended += `; copy ${copy.pod.state.kind} on ${copy.host}`;
      if (outcome.ending === 'undone' && copy.pod.state.kind === 'running') outcome.ending = 'done';
      await this.discard(fleet, copy);
      await until('', () => view.traces(record).length === 0, { withinMs: patienceMs }).catch(() => outcome.problems.push(`LEFT of the copy on ${copy.host}: ${view.traces(record).join(', ')}`));
    }
  }

  private async discard(fleet: Fleet, { host, pod }: LocatedPod): Promise<void> {
    await (await fleet.client(host)).call('pod.delete', { pod: pod.id });
  }

  private async removeTwin(fleet: Fleet, outcome: Outcome): Promise<void> {
    const { id } = this.twin!;
    this.twin = undefined;
    const place = await this.settled(fleet, id, outcome);
    if (!place || place.pod.state.kind !== 'running') outcome.problems.push(`LOST: the other POD of that name is ${place?.pod.state.kind ?? 'nowhere'}`);
    if (place) await this.discard(fleet, place);
  }

  /** Once more, without a fault. */
  private async again(attempt: Attempt, outcome: Outcome): Promise<void> {
    const { lab } = this;
    if (!this.pod && attempt.operation !== 'create') return; // done, or nothing left to do it with
    const fleet = await this.openFleet();
    const to = hostNames.find((host) => host !== this.host)!;
    const retry: Attempt = { ...attempt, from: this.host, to, copyName: newName('copy') };
    try {
      if (retry.operation === 'resume' || retry.operation === 'move-stored') await suspend(fleet, this.host, retry.pod);
      await operate(lab, fleet, retry);
      if (retry.operation === 'move' || retry.operation === 'move-stored') this.host = to;
      if (retry.operation === 'suspend' || retry.operation === 'move-stored') await resume(fleet, this.host, retry.pod);
      if (retry.operation === 'delete') this.pod = undefined;
      await this.examineCopies(outcome.fault, retry.copyName, { ...outcome });
      if (this.pod) await this.requireWhole(fleet, this.pod, outcome);
    } catch (error) {
      outcome.problems.push(`RETRY: ${told(error)}`);
      return;
    }
    await this.requireTidy(retry.pod, outcome);
  }

  /** The next fault starts from nothing. */
  async clear(): Promise<void> {
    this.pod = undefined;
    this.twin = undefined;
    await this.fleet?.close();
    this.fleet = undefined;
    await this.lab.wipe();
  }
}

function endingOf({ operation, from }: Attempt, place: LocatedPod | undefined): Ending {
  const kind = place?.pod.state.kind;
  if (operation === 'delete') return place ? 'undone' : 'done';
  if (kind !== 'running' && kind !== 'suspended') return 'gone';
  switch (operation) {
    case 'move':
    case 'move-stored':
      return place!.host === from ? 'undone' : 'done';
    case 'suspend':
      return kind === 'suspended' ? 'done' : 'undone';
    case 'resume':
      return kind === 'running' ? 'done' : 'undone';
    case 'clone':
    case 'create':
      return 'undone'; // unless there is a copy
    default:
      return assertNever(operation);
  }
}

/** A POD that lived on a host alone does not survive that host's power, nor its first process the kill of it; it is said so plainly, and its files are kept. */
function mayBeLost({ fault: { injection, operation, moment }, said }: Outcome, kind: string | undefined): boolean {
  if (kind !== 'lost' && kind !== 'exited') return false;
  if (injection === 'power off') {
    if (operation === 'suspend') return moment.name !== 'suspend: written' && moment.name !== 'suspend: clean up';
    if (operation === 'resume') return moment.name === 'resume: let run';
    if (operation === 'move') return moment.side === 'source' ? moment.isRestored !== true : moment.isOver === true || (moment.name === 'target did: say running' && said === 'done');
    return operation !== 'move-stored';
  }
  // Until its memory has been sent the processes are all there is of it; of a clone's original nothing was promised to anybody.
  if (injection === 'kill init') return operation === 'clone' || (operation === 'move' && moment.isUnsent === true);
  return operation === 'create' && injection === 'kill runc';
}

async function withDeadline<T>(promise: Promise<T>, withinMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(new Error(what)), withinMs)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
