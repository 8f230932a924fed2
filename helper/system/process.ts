/** What /proc says of processes. */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process, told apart from a later one with the same pid by its start time in clock ticks since boot. */
export interface ProcessIdentity {
  pid: number;
  startTicks: number;
}

export interface ProcessStat extends ProcessIdentity {
  name: string;
  state: string;
  parent: number;
}

export function readStat(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  const end = text.lastIndexOf(')'); // the name may hold anything, closing brackets too
  const fields = text.slice(end + 2).split(' ');
  return { pid, name: text.slice(text.indexOf('(') + 1, end), state: fields[0]!, parent: Number(fields[1]), startTicks: Number(fields[19]) };
}

export function identify(pid: number): ProcessIdentity | undefined {
  const stat = readStat(pid);
  return stat && { pid, startTicks: stat.startTicks };
}

/** Whether this very process still exists and is no zombie. */
export function isAlive(process: ProcessIdentity): boolean {
  const stat = readStat(process.pid);
  return stat !== undefined && stat.startTicks === process.startTicks && stat.state !== 'Z' && stat.state !== 'X';
}

/** Of the whole host, threads left out. */
export function listProcesses(): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number);
}

let census: { atMs: number; members: Map<string, number[]> } | undefined;
const censusMs = 500;

/** As `namespaceMembers`, from a look that may be half a second old: whoever looks at many PODs would otherwise read all of /proc for each of them. */
export function namespaceMembersLately(init: number): number[] {
  if (!census || performance.now() - census.atMs > censusMs) {
    const members = new Map<string, number[]>();
    for (const pid of listProcesses()) {
      const namespace = pidNamespace(pid);
      if (namespace !== undefined) members.set(namespace, [...(members.get(namespace) ?? []), pid]);
    }
    census = { atMs: performance.now(), members };
  }
  return census.members.get(pidNamespace(init) ?? '') ?? [];
}

function pidNamespace(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

/** Every process in the pid namespace of `init`, as pids of this host. */
export function namespaceMembers(init: number): number[] {
  const wanted = pidNamespace(init);
  if (wanted === undefined) return [];
  return listProcesses().filter((pid) => pidNamespace(pid) === wanted);
}

/** The number by which a process is known in its own pid namespace; undefined when it is gone. */
export function innerPid(pid: number): number | undefined {
  try {
    const numbers = /^NSpid:\s+(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return numbers === undefined ? undefined : Number(numbers.split(/\s+/).at(-1));
  } catch {
    return undefined;
  }
}

/** Kills a POD's first process, and with it, by the kernel's rule, everything in its pid namespace; resolves when it is gone. */
export async function killNamespace(init: ProcessIdentity): Promise<void> {
  if (isAlive(init)) process.kill(init.pid, 'SIGKILL');
  while (isAlive(init)) await sleep(1);
}

/** Kills a process and its children; a program like nsenter that waits for its one child would leave it behind. */
export function killWithChildren(pid: number): void {
  const children = listProcesses().filter((one) => readStat(one)?.parent === pid);
  for (const one of [pid, ...children]) {
    try {
      process.kill(one, 'SIGKILL');
    } catch {
      // gone by itself
    }
  }
}

export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
