/**
 * What a CRIU leaves behind that is killed while it dumps.
 *
 * One whose parasite serves commands cures itself: its socket breaks. One that was made to run a single system call, or a thread that runs CRIU's code, is
 * put back by CRIU's warden (warden.ts). Where there was none the kernel lets the processes go at once, wherever CRIU had them, and such a one comes to a
 * breakpoint that nobody handles, and dies with its whole process. Connections that were read already stay in repair mode until they are taken out of it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, namespaceMembers, type ProcessIdentity } from '../system/process';
import { endTcpRepair } from '../system/tcp-repair';
import { listNames, readText } from './process-tree';

/** For a process that was let go to come to the breakpoint, if it is going to. */
const settleMs = 50;
const patienceMs = 5000;
const pollMs = 10;

export interface Aftermath {
  /** Of the processes that there were, those that CRIU's end has taken along. */
  lost: number[];
  connections: number;
}

/**
 * Lets connections go on at once, then with `letGo` the processes, if they stand frozen, and waits until it shows which have survived. `before` are all
 * that stood still under CRIU.
 */
export async function mendInterruptedDump(init: ProcessIdentity, before: readonly number[], letGo: () => void = () => {}): Promise<Aftermath> {
  const connections = endTcpRepair(before);
  letGo();
  await sleep(settleMs);
  const giveUpAtMs = performance.now() + patienceMs;
  while (before.some(isUnsettled) && performance.now() < giveUpAtMs) await sleep(pollMs);
  const living = new Set(isAlive(init) ? namespaceMembers(init.pid).filter((pid) => !hasEnded(pid)) : []);
  return { lost: before.filter((pid) => !living.has(pid)), connections };
}

function hasEnded(pid: number): boolean {
  const state = /^State:\s+(\w)/m.exec(readText(`/proc/${pid}/status`) ?? '')?.[1];
  return state === undefined || state === 'Z' || state === 'X';
}

/** About to die, or still on its way out of CRIU's code. */
function isUnsettled(pid: number): boolean {
  if (/^CoreDumping:\s+1/m.test(readText(`/proc/${pid}/status`) ?? '')) return true;
  const parasite = parasiteOf(pid);
  if (!parasite) return false;
  return listNames(`/proc/${pid}/task`).some((thread) => {
    const counter = (readText(`/proc/${pid}/task/${thread}/syscall`) ?? '').trim().split(' ').at(-1);
    if (counter === undefined || !counter.startsWith('0x')) return false; // it runs
    const at = BigInt(counter);
    return at >= parasite.from && at < parasite.to;
  });
}

function parasiteOf(pid: number): { from: bigint; to: bigint } | undefined {
  const match = /^([0-9a-f]+)-([0-9a-f]+) r-xs .*\/memfd:CRIUMFD/m.exec(readText(`/proc/${pid}/maps`) ?? '');
  return match ? { from: BigInt(`0x${match[1]}`), to: BigInt(`0x${match[2]}`) } : undefined;
}
