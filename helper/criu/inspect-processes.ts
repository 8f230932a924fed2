/** Processes that CRIU refuses, or that it dumps and cannot restore. */
import type { Finding } from '../protocol/model';
import { readLink, readText } from './process-tree';

export interface TreeProcess {
  pid: number;
  name: string;
  state: string;
  parent: number;
  session: number;
  threads: number;
  tracer: number;
}

const namespaces = ['user', 'pid', 'ipc', 'net', 'uts', 'time', 'mnt'] as const;

export function readProcess(pid: number): TreeProcess | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  const status = readText(`/proc/${pid}/status`);
  if (stat === undefined || status === undefined) return undefined;
  const end = stat.lastIndexOf(')');
  const [state, parent, , session] = stat.slice(end + 2).split(' ');
  return {
    pid,
    name: stat.slice(stat.indexOf('(') + 1, end),
    state: state!,
    parent: Number(parent),
    session: Number(session),
    threads: Number(/^Threads:\s+(\d+)/m.exec(status)?.[1] ?? 1),
    tracer: Number(/^TracerPid:\s+(\d+)/m.exec(status)?.[1] ?? 0),
  };
}

export function processFindings(initPid: number, processes: readonly TreeProcess[], foreign: ReadonlySet<number>): Finding[] {
  const byPid = new Map(processes.map((process) => [process.pid, process]));
  const ofInit = namespacesOf(initPid);
  return processes.flatMap((process) => {
    const findings: Finding[] = [];
    const { pid, name } = process;
    const data = { pid, name };
    if (foreign.has(pid)) {
      findings.push({
        id: 'criu/process-from-outside',
        severity: 'blocker',
        message: `"${name}" (${pid}) was started into the POD from this host and is not one of the POD's own processes.`,
        hint: 'End it, or start it in one of the POD’s terminals.',
        data,
      });
      return findings; // its session and namespaces are the host's
    }
    findings.push(...nestedNamespaces(process, ofInit));
    if (process.tracer !== 0) {
      findings.push({ id: 'criu/already-traced', severity: 'blocker', message: `"${name}" (${pid}) is being traced.`, hint: 'Detach the debugger (gdb, strace) from it.', data });
    }
    const leader = byPid.get(process.session);
    const parent = byPid.get(process.parent);
    if (pid !== initPid && !leader && parent && parent.pid !== initPid && parent.session !== process.session) {
      findings.push({
        id: 'criu/session-leader-gone',
        severity: 'blocker',
        message: `"${name}" (${pid}) has lost the leader of its session and was adopted by "${parent.name}": it could be checkpointed but not restored.`,
        hint: `Close "${name}", or start the POD with the compatibility profile, under which orphans go to its first process.`,
        data: { ...data, session: process.session, adoptedBy: parent.pid },
      });
    }
    if (pid === initPid && process.session !== pid) {
      findings.push({
        id: 'criu/process-from-outside',
        severity: 'blocker',
        message: `The POD's first process "${name}" (${pid}) belongs to a session of this host.`,
        hint: 'It must call setsid before anything else.',
        data,
      });
    }
    return findings;
  });
}

function nestedNamespaces(process: TreeProcess, ofInit: Map<string, string>): Finding[] {
  const own = namespacesOf(process.pid);
  const nested = namespaces.filter((kind) => own.has(kind) && ofInit.has(kind) && own.get(kind) !== ofInit.get(kind));
  if (nested.length === 0) return [];
  const onlyMounts = nested.length === 1 && nested[0] === 'mnt'; // CRIU can do these, but not every arrangement of them
  return [
    {
      id: 'criu/nested-namespace',
      severity: onlyMounts ? 'warning' : 'blocker',
      message: `"${process.name}" (${process.pid}) has namespaces of its own inside the POD (${nested.join(', ')}), which ${onlyMounts ? 'may not be checkpointed' : 'cannot be checkpointed'}.`,
      hint: 'Programs that sandbox themselves do this (browsers, container tools): close the program, or start it without its sandbox.',
      data: { pid: process.pid, name: process.name, namespaces: nested },
    },
  ];
}

function namespacesOf(pid: number): Map<string, string> {
  return new Map(
    namespaces.flatMap((kind): [string, string][] => {
      const link = readLink(`/proc/${pid}/ns/${kind}`);
      return link === undefined ? [] : [[kind, link]];
    }),
  );
}
