/**
 * Faults on several labs side by side.
 *
 * Each lane has a lab of its own and takes the next fault when it is done with one. A fault that hangs, or that the lab does not survive, is told as any other problem,
 * and its lane goes on with a new lab.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ZapError } from '../../helper/protocol/errors';
import { Run } from './fault';
import { FaultLab } from './fault-lab';
import type { Outcome } from './outcome';
import type { Fault } from './plan';

/** Far beyond the sum of what a fault waits for at most. */
const hangsAfterMs = 600_000;

export interface LanesOptions {
  seed: number;
  /** Enough when so many were injected; faults whose moment does not come count for nothing. */
  injected: number;
  lanes: number;
  /** Where zap.mjs and zap-helper are. */
  distDirectory: string;
  /** Labs are left up in it, and found again. */
  home?: string | undefined;
  onOutcome: (outcome: Outcome) => void;
  isStopped?: () => boolean;
}

/** Returns what of the labs could not be removed. */
export async function runLanes(faults: readonly Fault[], options: LanesOptions): Promise<string[]> {
  const queue = new Queue(faults, options.injected, options.isStopped);
  const left: string[] = [];
  const lane = async (number: number): Promise<void> => {
    const home = options.home === undefined ? undefined : join(options.home, String(number));
    if (home !== undefined) await mkdir(home, { recursive: true, mode: 0o700 });
    while (queue.hasMore) {
      const lab = await FaultLab.up(options.distDirectory, { home });
      try {
        await untilBroken(lab, queue, options);
      } finally {
        await (queue.hasMore ? lab.remove() : lab[Symbol.asyncDispose]()).catch((error: unknown) => left.push(ZapError.from(error).message));
      }
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: options.lanes }, (_, index) => lane(index + 1)));
  for (const end of ended) if (end.status === 'rejected') left.push(`a lane ended early: ${ZapError.from(end.reason).message}`);
  return left;
}

class Queue {
  private readonly waiting: Fault[];

  constructor(faults: readonly Fault[], private wanted: number, private readonly isStopped: () => boolean = () => false) {
    this.waiting = [...faults];
  }

  get hasMore(): boolean {
    return this.waiting.length > 0 && this.wanted > 0 && !this.isStopped();
  }

  take(): Fault | undefined {
    if (!this.hasMore) return undefined;
    this.wanted--;
    return this.waiting.shift();
  }

  isMissed(): void {
    this.wanted++;
  }
}

/** Until no fault waits any more, or the lab is not to be trusted any more. */
async function untilBroken(lab: FaultLab, queue: Queue, { seed, onOutcome }: LanesOptions): Promise<void> {
  const run = new Run(lab, seed);
  for (let fault = queue.take(); fault; fault = queue.take()) {
    const outcome = await withinBound(run.one(fault), fault);
    if (outcome.isMissed) queue.isMissed();
    onOutcome(outcome);
    if (outcome.problems.some((problem) => /^(HUNG|harness|mending)/.test(problem))) return;
  }
  await run.rest();
}

const hung = 'HUNG: it does not come to an end';

function withinBound(outcome: Promise<Outcome>, fault: Fault): Promise<Outcome> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve({ fault, ending: undefined, ended: '', said: '', problems: [hung], isMissed: false, seconds: hangsAfterMs / 1000 }), hangsAfterMs);
    void outcome.then(resolve).finally(() => clearTimeout(timer)); // it tells everything as an outcome
  });
}
