/**
 * The program that has a POD's processes make userfaultfd contexts, and keeps these: with its end nothing is tracked any more.
 *
 * A program of its own, so that it brings to an end what it has begun in a process when the helper that started it is killed: then its input ends, and so
 * does it. The contexts stay open while the POD stands frozen: giving up a gigabyte takes 40 ms, and CRIU does not mind.
 */
import { closeSync, readFileSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { callInside, Unstoppable, warmUp } from '../system/injected-call';
import { trackableAreas } from '../system/live-pages';
import { identify, isAlive, namespaceMembers, type ProcessIdentity } from '../system/process';
import { descriptorTarget } from '../system/thread-calls';
import { addArea, contextName, makeAsynchronous, makeContext, takeDescriptor } from '../system/userfaultfd';
import { descriptorsOf } from '../criu/process-tree';

const closeNumber = 3;

/** Processes to be tracked, as pids of the host; those that are already have their new areas added. */
export interface TrackerOrder {
  pids: number[];
}

export interface TrackerAnswer {
  tracked: { pid: number; areas: number; stoppedMs: number }[];
  left: { pid: number; why: string }[];
}

interface Tracked {
  process: ProcessIdentity;
  context: number;
  stoppedMs: number;
}

export class WriteTracker {
  private readonly tracked = new Map<number, Tracked>();

  constructor(private readonly init: number) {
    for (const preference of [() => writeFileSync('/proc/self/oom_score_adj', '-1000'), () => setPriority(-20)]) {
      try {
        preference();
      } catch {
        // not allowed everywhere
      }
    }
    warmUp();
    for (let round = 0; round < 3; round++) closeSync(takeDescriptor(process.pid, 0));
  }

  obey({ pids }: TrackerOrder): TrackerAnswer {
    const answer: TrackerAnswer = { tracked: [], left: [] };
    for (const pid of pids) {
      try {
        const { context, stoppedMs } = this.isKnown(pid) ?? this.begin(pid);
        const areas = trackableAreas(readFileSync(`/proc/${pid}/maps`, 'latin1')).filter((area) => addArea(context, area)).length;
        if (areas === 0) throw new Error('Its memory is tracked by somebody else.');
        answer.tracked.push({ pid, areas, stoppedMs });
      } catch (error) {
        if (error instanceof Unstoppable) throw error;
        this.end(pid);
        const now = identify(pid);
        if (now && isAlive(now)) answer.left.push({ pid, why: (error as Error).message });
      }
    }
    this.sweep();
    return answer;
  }

  private isKnown(pid: number): Tracked | undefined {
    const known = this.tracked.get(pid);
    return known && isAlive(known.process) ? known : undefined;
  }

  private begin(pid: number): Tracked {
    const process = identify(pid);
    if (!process) throw new Error('It has ended.');
    const { result: context, stoppedMs } = callInside(pid, (call) => {
      const fd = call(makeContext.number, makeContext.flags);
      if (fd < 0) throw new Error(`userfaultfd: error ${-fd}`);
      if (descriptorTarget(pid, fd) !== contextName) throw new Error('Its threads do not share their descriptors.');
      try {
        return takeDescriptor(pid, fd);
      } finally {
        call(closeNumber, fd);
      }
    });
    const tracked = { process, context, stoppedMs };
    this.tracked.set(pid, tracked);
    makeAsynchronous(context);
    return tracked;
  }

  private end(pid: number): void {
    const known = this.tracked.get(pid);
    if (known) closeSync(known.context);
    this.tracked.delete(pid);
  }

  /** A child that another thread has made in that moment has the context's descriptor as well, and none of its programs can have one of its own. */
  private sweep(): void {
    for (const pid of namespaceMembers(this.init)) {
      for (const { fd, target } of descriptorsOf(pid)) {
        if (target === contextName) this.closeInside(pid, fd);
      }
    }
  }

  /** Where it cannot be done now, the next order tries again. */
  private closeInside(pid: number, fd: number): void {
    try {
      callInside(pid, (call) => call(closeNumber, fd));
    } catch (error) {
      if (error instanceof Unstoppable) throw error;
    }
  }
}
