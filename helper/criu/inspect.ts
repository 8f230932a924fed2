/**
 * What in a running POD cannot be checkpointed, and how large it is: read from /proc, without touching it.
 *
 * It says before the freeze what CRIU would say within it. What changes in between, CRIU still finds.
 */
import { namespaceMembers } from '../system/process';
import type { Finding } from '../protocol/model';
import { descriptorFindings } from './inspect-descriptors';
import { processFindings, readProcess } from './inspect-processes';
import { descendants, descriptorsOf, isFromOutside, readText } from './process-tree';

export interface Inspection {
  findings: Finding[];
  /** Names by pid. */
  names: ReadonlyMap<number, string>;
  /** For predicting size and duration. */
  totals: {
    processes: number;
    threads: number;
    /** What a dump writes: memory that is no file's, each shared page counted once. */
    memoryBytes: number;
    descriptors: number;
    tcpConnections: number;
  };
}

/** `members` tells what is in the POD's pid namespace; a look from a moment ago will do for whoever only wants to know how large it is. */
export function inspectTree(initPid: number, members = namespaceMembers): Inspection {
  const tree = [initPid, ...descendants(initPid)];
  const known = new Set(tree);
  const foreign = members(initPid).filter((pid) => !known.has(pid) && isFromOutside(pid, initPid));
  const processes = [...tree, ...foreign].flatMap((pid) => readProcess(pid) ?? []);
  const descriptors = tree.flatMap(descriptorsOf);
  return {
    findings: [
      ...processFindings(initPid, processes, new Set(foreign)),
      ...descriptorFindings(initPid, descriptors, known),
    ],
    names: new Map(processes.map(({ pid, name }) => [pid, name])),
    totals: {
      processes: processes.length,
      threads: processes.reduce((sum, process) => sum + process.threads, 0),
      memoryBytes: processes.reduce((sum, process) => sum + memoryOf(process.pid), 0),
      descriptors: descriptors.length,
      tcpConnections: countConnections(initPid),
    },
  };
}

/** Proportional, so that pages shared by fork are counted once; file pages come from the environment again, shared memory does not. */
function memoryOf(pid: number): number {
  const rollup = readText(`/proc/${pid}/smaps_rollup`) ?? '';
  const kibibytes = ['Pss_Anon', 'Pss_Shmem', 'SwapPss'].map((name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1] ?? 0));
  return kibibytes.reduce((sum, value) => sum + value, 0) * 1024;
}

const notConnections = new Set(['06', '07', '0A']); // TIME_WAIT, CLOSE, LISTEN

/** Listing them walks a table as large as the host's memory is, for milliseconds; how many sockets there are at all costs next to nothing. */
const tcpTables = [
  { table: 'tcp', counts: 'sockstat', protocol: 'TCP' },
  { table: 'tcp6', counts: 'sockstat6', protocol: 'TCP6' },
];

function countConnections(initPid: number): number {
  const read = (name: string): string => readText(`/proc/${initPid}/net/${name}`) ?? '';
  return tcpTables
    .filter(({ counts, protocol }) => !new RegExp(`^${protocol}: inuse 0\\b`, 'm').test(read(counts)))
    .flatMap(({ table }) => read(table).split('\n').slice(1))
    .filter((line) => line !== '' && !notConnections.has(line.trim().split(/\s+/)[3]!)).length;
}
