/**
 * What came of a fault: where the POD is, whether it is whole, what is left of it elsewhere, and the same operation once more.
 *
 * What is not as it must be becomes a problem of the outcome. LOST, DOUBLED and LEFT are what must never be.
 */
import type { Fleet } from '../../main/helper-client/fleet';
import { listSettled } from '../../main/moves/settle';
import type { LocatedPod } from '../../main/pods/locate';
import { until } from '../integration/support/until';
import { hostNames, type Host } from './fault-lab';
import { leaves, startsSuspended } from './moments';
import { newName, operate, resume, suspend, told, type Attempt } from './operate';
import { endingOf, mayBeLost, type Outcome } from './outcome';
import type { Stage } from './stage';
import { isHeld, lifeOf, untidy, type Pod } from './witness';

/** So many faults share the connections of one desktop. */
const restEvery = 8;
/** For what is to be true at once, on machines that have much else to do. */
const patienceMs = 20_000;
const settleWithinMs = 60_000;

export class Aftermath {
  constructor(
    private readonly stage: Stage,
    private readonly attempt: Attempt,
    private readonly outcome: Outcome,
  ) {}

  async examine(): Promise<void> {
    const { stage, outcome, attempt } = this;
    const { pod, operation, copyName } = attempt;
    const fleet = await stage.openFleet();
    let place = await this.settled(fleet, pod.id);
    if (stage.twin) await this.removeTwin(fleet, stage.twin.id);
    if (place?.pod.state.kind === 'in-doubt') {
      outcome.ended = `in doubt on ${place.host}, then `;
      outcome.ending = 'decided';
      await (await fleet.client(place.host)).call('pod.recover', { pod: pod.id, decision: 'run-here' });
      place = await this.settled(fleet, pod.id);
    }
    const kind = place?.pod.state.kind;
    const isGoneAsWanted = operation === 'delete' && !place;
    outcome.ended += place ? `${kind} on ${place.host}` : 'nowhere';
    outcome.ending ??= endingOf(attempt, place);
    if (!isGoneAsWanted && kind !== 'running' && kind !== 'suspended') {
      if (!mayBeLost(outcome, kind) && !(operation === 'delete' && kind === 'exited')) outcome.problems.push(`LOST: it is ${kind ?? 'nowhere'}`);
      else if (place) await discard(fleet, place);
      stage.pod = undefined;
    }
    if (isGoneAsWanted) stage.pod = undefined;
    if (place) stage.host = place.host as Host;
    if (stage.pod && kind) await this.requireWhole(fleet, pod);
    await this.examineCopies(copyName);
    await this.requireTidy(pod);
    if (outcome.problems.length === 0) await this.again();
    const isPause = outcome.fault.number % restEvery === 0 || outcome.problems.length > 0;
    if (isPause) await stage.rest().catch(() => outcome.problems.push('LEFT: helpers that do not end'));
  }

  /** Where it is, once nobody is at work on it any more. Asking is what brings helpers up, and with them recovery. */
  private async settled(fleet: Fleet, id: string): Promise<LocatedPod | undefined> {
    const { lab } = this.stage;
    let places: LocatedPod[] = [];
    await until('an end', async () => {
      const isAtWork = hostNames.some((host) => isHeld(lab.views[host], id));
      const { pods, failures } = await listSettled(fleet);
      places = pods.filter(({ pod }) => pod.id === id);
      if (isAtWork && places.every(({ pod }) => pod.state.kind !== 'in-doubt')) return false; // who is in doubt waits, at work
      // A target that was restarted after the POD ran there says that it was lost there.
      const isOneOrInDoubt = places.length < 2 || (places.every(({ pod }) => pod.state.kind === 'in-doubt' || pod.state.kind === 'lost') && places.some(({ pod }) => pod.state.kind === 'in-doubt'));
      return failures.length === 0 && isOneOrInDoubt && places.every(({ pod }) => pod.state.kind !== 'moving');
    }, { withinMs: settleWithinMs, everyMs: 200 }).catch(() => this.outcome.problems.push(`UNSETTLED: ${places.map(({ host, pod }) => `${pod.state.kind} on ${host}`).join(', ') || 'a host does not answer'}`));
    // What stands still at the source is whole for certain.
    return places.find(({ pod }) => pod.state.kind === 'in-doubt' && pod.state.role === 'source') ?? places[0];
  }

  /** The same life as before, now or after a resume, and it goes on; its link is open. */
  private async requireWhole(fleet: Fleet, pod: Pod): Promise<void> {
    const { lab, host } = this.stage;
    const { problems } = this.outcome;
    const record = lab.views[host].record(pod.name);
    if (record?.state.kind === 'suspended') await resume(fleet, host, pod).catch((error: unknown) => problems.push(`LOST: its checkpoint cannot be resumed: ${told(error)}`));
    const before = await lifeOf(lab.views[host], pod.id);
    if (before?.token !== pod.token) return void problems.push(`LOST: another life, or none: ${before?.token ?? 'nothing'}`);
    await until('that it goes on', async () => ((await lifeOf(lab.views[host], pod.id))?.count ?? 0) > before.count, { withinMs: patienceMs }).catch(() => problems.push('LOST: it stands still'));
  }

  private async requireTidy(pod: Pod): Promise<void> {
    const { stage } = this;
    for (const host of hostNames) {
      const view = stage.lab.views[host];
      const isHere = stage.pod !== undefined && host === stage.host;
      const look = (): string[] => (isHere ? untidy(view, pod, true) : view.traces(pod));
      await until('', () => look().length === 0, { withinMs: patienceMs }).catch(() => {});
      for (const trace of look()) this.outcome.problems.push(`LEFT on ${host}: ${trace}`);
    }
  }

  /** What the operation was to make is whole, or not there at all. */
  private async examineCopies(name: string, outcome = this.outcome): Promise<void> {
    const { stage, attempt: { operation } } = this;
    if (operation !== 'clone' && operation !== 'create') return;
    let fleet = await stage.openFleet();
    const find = async (desktop: Fleet): Promise<LocatedPod[]> => (await listSettled(desktop)).pods.filter(({ pod }) => pod.name === name);
    const isWhole = ({ pod }: LocatedPod): boolean => pod.state.kind === 'running' || pod.state.kind === 'suspended';
    let copies = await find(fleet);
    if (!copies.every(isWhole)) {
      // What a disk that did not work has left is taken away when it works again, or when the next helper starts.
      await stage.rest();
      fleet = await stage.openFleet();
      copies = await find(fleet);
      for (const { host, pod } of copies.filter((copy) => !isWhole(copy))) outcome.problems.push(`LEFT on ${host}: a copy that is ${pod.state.kind}`);
    }
    if (copies.length > 1) outcome.problems.push(`DOUBLED: the copy is on ${copies.map(({ host }) => host).join(' and ')}`);
    for (const copy of copies) {
      const view = stage.lab.views[copy.host as Host];
      const record = view.record(name)!;
      outcome.ended += `; copy ${copy.pod.state.kind} on ${copy.host}`;
      if (outcome.ending === 'undone' && copy.pod.state.kind === 'running') outcome.ending = 'done';
      await discard(fleet, copy);
      await until('', () => view.traces(record).length === 0, { withinMs: patienceMs }).catch(() => outcome.problems.push(`LEFT of the copy on ${copy.host}: ${view.traces(record).join(', ')}`));
    }
  }

  private async removeTwin(fleet: Fleet, id: string): Promise<void> {
    this.stage.twin = undefined;
    const place = await this.settled(fleet, id);
    if (!place || place.pod.state.kind !== 'running') this.outcome.problems.push(`LOST: the other POD of that name is ${place?.pod.state.kind ?? 'nowhere'}`);
    if (place) await discard(fleet, place);
  }

  /** Once more, without a fault. */
  private async again(): Promise<void> {
    const { stage, outcome, attempt } = this;
    if (!stage.pod && attempt.operation !== 'create') return; // done, or nothing left to do it with
    const fleet = await stage.openFleet();
    const to = hostNames.find((host) => host !== stage.host)!;
    const retry: Attempt = { ...attempt, signal: undefined, from: stage.host, to, copyName: newName('copy') };
    try {
      if (startsSuspended(retry.operation)) await suspend(fleet, stage.host, retry.pod);
      await operate(stage.lab, fleet, retry);
      if (leaves(retry.operation)) stage.host = to;
      if (retry.operation === 'suspend' || retry.operation === 'move-stored') await resume(fleet, stage.host, retry.pod);
      if (retry.operation === 'delete') stage.pod = undefined;
      await this.examineCopies(retry.copyName, { ...outcome }); // of the retry only problems count
      if (stage.pod) await this.requireWhole(fleet, stage.pod);
    } catch (error) {
      outcome.problems.push(`RETRY: ${told(error)}`);
      return;
    }
    await this.requireTidy(retry.pod);
  }
}

async function discard(fleet: Fleet, { host, pod }: LocatedPod): Promise<void> {
  await (await fleet.client(host)).call('pod.delete', { pod: pod.id });
}
