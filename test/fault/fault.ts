/**
 * One fault: an operation that stops at a moment, and the strike.
 *
 * Whatever happened, afterwards there is exactly one live POD, or one whole checkpoint and a plain statement of where it is; nothing of it is anywhere else,
 * and what was tried succeeds at the next attempt (aftermath.ts).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { ZapError } from '../../helper/protocol/errors';
import { until } from '../integration/support/until';
import { Aftermath } from './aftermath';
import { hostNames, type FaultLab, type Host } from './fault-lab';
import { inject, mend, TooLate } from './inject';
import { cancelledAt, leaves } from './moments';
import { newName, operate, told, wordsFor, type Attempt } from './operate';
import type { Outcome } from './outcome';
import type { Fault } from './plan';
import { Random } from './random';
import { Stage } from './stage';
import { aliveTogether, type Pod } from './witness';

const reachWithinMs = 60_000;
const endWithinMs = 120_000;
/** For the word of a desktop to a host beside it. */
const cancelWithinMs = 300;

/** One fault after the other in one lab, with the same POD as long as it lives. */
export class Run {
  private readonly stage: Stage;

  constructor(
    private readonly lab: FaultLab,
    private readonly seed: number,
  ) {
    this.stage = new Stage(lab);
  }

  async one(fault: Fault): Promise<Outcome> {
    const startedMs = performance.now();
    const outcome: Outcome = { fault, ending: undefined, ended: '', said: '', problems: [], isMissed: false, seconds: 0 };
    try {
      await this.strike(fault, outcome);
    } catch (error) {
      outcome.problems.push(`harness: ${(error as Error).message.split('\n')[0]}`);
    }
    await mend(this.lab, hostNames).catch((error: unknown) => outcome.problems.push(`mending: ${(error as Error).message}`));
    if (outcome.problems.length > 0) await this.stage.clear().catch(() => {});
    outcome.seconds = (performance.now() - startedMs) / 1000;
    return outcome;
  }

  /** Closes the desktop; without it helpers come to their end. */
  rest(): Promise<void> {
    return this.stage.rest();
  }

  private async strike(fault: Fault, outcome: Outcome): Promise<void> {
    const { lab, stage } = this;
    const random = new Random(this.seed * 100_003 + fault.number);
    const { operation, moment, injection } = fault;
    const pod = await stage.ready(operation);
    const from = stage.host;
    const to = random.pick(hostNames.filter((host) => host !== from));
    const cancelled = new AbortController();
    const attempt: Attempt = { operation, pod, from, to, copyName: newName('copy'), signal: cancelled.signal };
    const host = moment.side === 'target' ? to : from;
    const isBetweenHosts = leaves(operation) || operation === 'clone';
    for (const name of hostNames) lab.arm(name);
    const watch = watchFor(lab, pod);
    const fleet = await stage.openFleet();
    let putRight = async (): Promise<void> => {};
    try {
      if (injection === 'same name') await this.makeTwin(attempt);
      lab.stopAt(host, moment.name, injection === 'EIO' ? 'EIO' : '');
      if (operation === 'move-undone') lab.stopAt(to, cancelledAt);
      const command = injection === 'kill desktop' ? lab.startCommand(wordsFor(attempt)) : undefined;
      const going = command ? new Promise<string>((resolve) => command.once('close', () => resolve('the command was killed'))) : operate(lab, fleet, attempt).then(() => 'done', told);
      let isEnded = false;
      void going.then(() => (isEnded = true));
      if (operation === 'move-undone') {
        await until(cancelledAt, () => isEnded || lab.isReached(to, cancelledAt), { withinMs: reachWithinMs, everyMs: 3 }).catch(() => {});
        cancelled.abort(new ZapError('cancelled/by-user', 'Cancelled.'));
        command?.kill('SIGINT');
        await until('the source to hear of it', () => isEnded || lab.isReached(from, moment.name), { withinMs: cancelWithinMs }).catch(() => {});
        lab.goOn(to, cancelledAt);
      }
      await until(moment.name, () => isEnded || lab.isReached(host, moment.name), { withinMs: reachWithinMs, everyMs: 3 }).catch(() => {});
      outcome.isMissed = !lab.isReached(host, moment.name);
      const rival = injection === 'two desktops' ? this.moveAgain(attempt, hostNames.find((name) => name !== from && name !== to)!) : injection === 'same name' ? this.moveTwin(attempt) : undefined;
      if (rival) await delay(random.below(300));
      putRight = await inject(injection, {
        lab,
        host,
        other: isBetweenHosts ? (host === from ? to : from) : undefined,
        pod,
        goOn: () => (lab.isUp(host) ? lab.goOn(host, moment.name) : undefined),
        desktop: { kill: () => command?.kill('SIGKILL') },
        ended: going,
        isRestoring: moment.side === 'target' || operation === 'resume',
        isLong: random.below(8) === 0,
        delayMs: random.below(40),
      }).catch((error: unknown) => {
        if (!(error instanceof TooLate)) throw error;
        outcome.isMissed = true;
        return async () => {};
      });
      outcome.said = await withDeadline(going, endWithinMs, 'the operation does not come to an end');
      if (outcome.said.startsWith('internal/')) outcome.problems.push(`SAID: ${outcome.said}`); // no plain statement
      await rival;
      await putRight();
      putRight = async () => {};
      await new Aftermath(stage, attempt, outcome).examine();
    } finally {
      outcome.problems.push(...(await watch.stop()));
      await putRight();
    }
  }

  /** By a second desktop, at the same time. */
  private async moveAgain(attempt: Attempt, elsewhere: Host): Promise<void> {
    await this.lab.withFleet((fleet) => operate(this.lab, fleet, { ...attempt, operation: 'move', to: elsewhere })).catch(() => {});
  }

  private async makeTwin({ pod, from, to }: Attempt): Promise<void> {
    const host = hostNames.find((name) => name !== from && name !== to)!;
    const id = await this.lab.withFleet((fleet) => this.lab.create(fleet, pod.name, host));
    this.stage.twin = { id, host };
  }

  private async moveTwin({ to }: Attempt): Promise<void> {
    const { id, host } = this.stage.twin!;
    await this.lab.withFleet((fleet) => operate(this.lab, fleet, { operation: 'move', pod: { id } as Pod, from: host, to, copyName: '' })).catch(() => {});
  }
}

/** Looks all the time whether it runs twice; `stop` tells what was seen. */
function watchFor(lab: FaultLab, pod: Pod): { stop: () => Promise<string[]> } {
  let isOver = false;
  const look = async (): Promise<string[]> => {
    let doubled = '';
    while (!isOver) {
      const hosts = await aliveTogether(lab, pod);
      if (hosts.length > 1) doubled = hosts.join(' and ');
      await delay(60);
    }
    return doubled ? [`DOUBLED: it ran on ${doubled}`] : [];
  };
  const seen = look().catch((error: unknown) => [`harness: nobody watched: ${ZapError.from(error).message}`]);
  return { stop: () => ((isOver = true), seen) };
}

async function withDeadline<T>(promise: Promise<T>, withinMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(new Error(what)), withinMs)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
