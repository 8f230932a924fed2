/**
 * The program that watches over a CRIU which dumps a POD, so that its death takes no process of the POD along.
 *
 * It is CRIU's tracer: a CRIU that was killed stops once more before the kernel lets go of what it traces. In that moment the POD's control group is
 * frozen and CRIU's notes are copied; then CRIU may end, and the threads that it was at work in are put back. The group stays frozen: whoever has started
 * this mends what else there is and lets the POD go on; should it be gone as well, that is done here.
 *
 * What makes it certain is that CRIU and the POD's threads share one processor and CRIU goes first, and this program before both: a thread that was
 * running CRIU's code does not come to the breakpoint at its end, whose signal only CRIU could have taken back.
 */
import { readFileSync } from 'node:fs';
import { freezeGroup, groupMembers, groupThreads, isGroupStill } from '../system/cgroup';
import { ProcessMemory } from '../system/live-pages';
import { interrupt, nextChange, readSignalMask, rest, resume, seize, writeSignalMask } from '../system/ptrace';
import { onlyProcessor, putBeforeOthers, useProcessors } from '../system/scheduling';
import { endTcpRepair } from '../system/tcp-repair';
import { spreadAgain } from './one-processor';
import { putBack } from './put-back';

const SIGCHLD = 17;
const priorities = { warden: 51, criu: 50 } as const;
const stillWithinMs = 2000;
const pollMs = 0.5;
const largestHeapBytes = 512 * 2 ** 20;

export interface Watch {
  criuPid: number;
  podId: string;
  processor: number;
  /** Where the note of the threads' processors is, if there is one. */
  note: string;
}

/** Said, one line each, to whoever has started it. */
export type WardenWord = { kind: 'ready'; isFirst: boolean } | { kind: 'rescued'; mended: number[]; unknown: number[] };

/** Returns when CRIU has ended. `say` tells whether anybody hears it. */
export function keepWatch(watch: Watch, say: (word: WardenWord) => boolean): void {
  const { criuPid, podId } = watch;
  seize(criuPid, { tellsExit: true });
  interrupt(criuPid);
  nextChange(criuPid);
  // Each stop of a thread that CRIU traces sends it this signal. It does without, but with a tracer it would be stopped for each.
  writeSignalMask(criuPid, readSignalMask(criuPid) | (1n << BigInt(SIGCHLD - 1)));
  freezeGroup(podId); // finds out where it is, for which there is no time later
  const isFirst = putFirst(watch);
  resume(criuPid);
  say({ kind: 'ready', isFirst });
  for (;;) {
    const change = nextChange(criuPid);
    if (change.kind === 'ended') break;
    if (change.kind === 'exiting' && change.isKilled) {
      rescue(watch, say);
      break;
    }
    resume(criuPid, change.kind === 'signal' ? change.signal : 0);
  }
  spreadAgain(podId, watch.note);
}

/** Without the rights to do it this is still worth having: it catches most. Then nobody is put on one processor, which alone would cost time. */
function putFirst({ criuPid, processor }: Watch): boolean {
  try {
    putBeforeOthers(process.pid, priorities.warden);
    putBeforeOthers(criuPid, priorities.criu);
  } catch {
    return false;
  }
  const only = onlyProcessor(processor);
  return useProcessors(process.pid, only) && useProcessors(criuPid, only);
}

function rescue({ criuPid, podId }: Watch, say: (word: WardenWord) => boolean): void {
  const wasFrozen = freezeGroup(podId); // then the dump was over, and the POD may have been given away
  freezeGroup(podId, true);
  const giveUpAtMs = performance.now() + stillWithinMs;
  while (!isGroupStill(podId) && performance.now() < giveUpAtMs) rest(pollMs);
  const heap = heapOf(criuPid);
  resume(criuPid);
  while (nextChange(criuPid).kind !== 'ended');
  const isHeard = say({ kind: 'rescued', ...putBack({ tids: groupThreads(podId), heap, freeze: (isFrozen) => void freezeGroup(podId, isFrozen) }) });
  if (isHeard || wasFrozen) return;
  endTcpRepair(groupMembers(podId));
  freezeGroup(podId, false);
}

function heapOf(pid: number): Buffer {
  const match = /^([0-9a-f]+)-([0-9a-f]+) .*\[heap\]$/m.exec(readFileSync(`/proc/${pid}/maps`, 'latin1'));
  if (!match) return Buffer.alloc(0);
  const [start, end] = [Number.parseInt(match[1]!, 16), Number.parseInt(match[2]!, 16)];
  using memory = ProcessMemory.open(pid);
  return memory?.read(start, end - start, Buffer.alloc(Math.min(end - start, largestHeapBytes))) ?? Buffer.alloc(0);
}
