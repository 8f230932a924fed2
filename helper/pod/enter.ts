/**
 * How programs are run in a POD from outside: commands of its users, clients of its terminals, looks of our own.
 *
 * They enter all of the POD's namespaces and its control groups, but are children of the helper and not of the POD: they are no part of the session and
 * never of a checkpoint.
 */
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import type { Duplex, Readable } from 'node:stream';
import { createInterface } from 'node:readline';
import { ZapError } from '../protocol/errors';
import { existingGroups } from '../system/cgroup';
import { programInMemory } from '../system/memory-file';
import { killWithChildren } from '../system/process';
import type { WindowSize } from '../system/pty';
import { filtersOf } from '../system/seccomp-filter';
import { start } from '../system/spawn';
import { accountOf, type Account } from './accounts';
import { entryProgram } from './entry-program';
import type { PodRecord, RunningState } from './record';

const maxOutputBytes = 32 << 20;
const answerTimeoutMs = 8000;

/** Joins each group named before `--` and becomes the program after it. From outside it would be too late: nsenter forks at once, and a child stays where it began. */
const joinThenExec = 'while [ "$1" != -- ]; do echo 0 >"$1"; shift; done; shift; exec "$@"';

const entryDescriptor = 3;

/** A program that is about to enter the POD, held open at `fd` until it has been started with `arguments`. */
interface Entering extends Disposable {
  fd: number;
  arguments: string[];
}

/** To be called by a registered client: reading the filter traces the POD's first process, which CRIU wants for itself in a freeze. */
export async function prepareEntry(record: PodRecord, state: RunningState, options: { user: string; term: string; command: readonly string[] }): Promise<Entering> {
  const account = accountOf(record, options.user);
  const program = entryProgram({ account, command: options.command, environment: environmentFor(account, options.term), filters: await filtersOf(state.init.pid), descriptor: entryDescriptor });
  const fd = programInMemory('zap-enter', program);
  const groups = existingGroups(record.id).map((group) => join(group, 'cgroup.procs'));
  return {
    fd,
    arguments: ['-c', joinThenExec, 'zap-enter', ...groups, '--', 'nsenter', '--target', String(state.init.pid), '--all', '--wdns=/', '--', `/proc/self/fd/${entryDescriptor}`],
    [Symbol.dispose]: () => closeSync(fd),
  };
}

function environmentFor({ name, home }: Account, term: string): string[] {
  return ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'LANG=C.UTF-8', `TERM=${term}`, `USER=${name}`, `LOGNAME=${name}`, `HOME=${home}`, 'DISPLAY=:1'];
}

export function followWindowSizes(lane: Duplex, resize: (size: WindowSize) => void): void {
  const lines = createInterface({ input: lane });
  lines.on('error', () => {});
  lines.on('line', (line) => {
    try {
      const size = JSON.parse(line) as WindowSize;
      if (Number.isInteger(size.columns) && Number.isInteger(size.rows) && size.columns > 0 && size.rows > 0 && size.columns <= 1000 && size.rows <= 1000) resize(size);
    } catch {
      // a line that is no size is no reason to end a terminal
    }
  });
}

/** Waits until everything written to a lane has left; the call's end would cut it off. */
export function flushed(lane: Duplex): Promise<void> {
  return new Promise((resolve) => {
    if (lane.destroyed) return resolve();
    lane.once('finish', resolve).once('close', resolve);
    lane.end();
  });
}

export function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? (signal ? 128 : 1)));
  });
}

export interface Lanes {
  terminal: Duplex;
  sizes: Duplex;
  errors: Duplex;
}

/**
 * A short command of our own as the POD's user, to its end; to be called by a registered client. It is the POD's program, which may print without end, of which a
 * part is kept, or never end, which is waited for no longer than `answerTimeoutMs`.
 */
export async function runInside(record: PodRecord, state: RunningState, command: readonly string[], signal: AbortSignal): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  using entering = await prepareEntry(record, state, { user: record.user, term: 'dumb', command });
  const child = start('sh', entering.arguments, { stdio: ['ignore', 'pipe', 'pipe', entering.fd] });
  const end = (): void => {
    killWithChildren(child.pid!);
    for (const stream of [child.stdout!, child.stderr!]) stream.destroy(); // whoever else has them open is not waited for
  };
  let isLate = false;
  const patience = setTimeout(() => {
    isLate = true;
    end();
  }, answerTimeoutMs);
  signal.addEventListener('abort', end, { once: true });
  try {
    const [stdout, stderr] = [keepFirst(child.stdout!), keepFirst(child.stderr!)];
    const exitCode = await exitOf(child);
    if (isLate) throw new ZapError('pod/not-answering', `"${command[0]}" in POD "${record.name}" did not come to an end within ${answerTimeoutMs / 1000} s.`, { data: { pod: record.name } });
    return { exitCode, stdout: stdout(), stderr: stderr() };
  } finally {
    clearTimeout(patience);
    signal.removeEventListener('abort', end);
  }
}

function keepFirst(stream: Readable): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    if (bytes < maxOutputBytes) chunks.push(chunk);
    bytes += chunk.length;
  });
  return () => Buffer.concat(chunks).toString();
}
