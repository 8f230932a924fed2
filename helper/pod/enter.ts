/**
 * Programs run in a POD from outside: `exec`, and what clients of its terminals need.
 *
 * They enter all of the POD's namespaces and its control groups, but are children of the helper and not of the POD: they are no part of the session and
 * never of a checkpoint.
 */
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import type { Duplex, Readable } from 'node:stream';
import { createInterface } from 'node:readline';
import { existingGroups } from '../system/cgroup';
import { programInMemory } from '../system/memory-file';
import { killWithChildren } from '../system/process';
import { Pty, type WindowSize } from '../system/pty';
import { filtersOf } from '../system/seccomp-filter';
import { start } from '../system/spawn';
import { accountOf, type Account } from './accounts';
import { registerClient } from './clients';
import { entryProgram } from './entry-program';
import { requireRunning, type PodRecord, type RunningState } from './record';
import { tmuxConfigurationPath, tmuxSocket } from './start-script';
import { ZapError } from '../protocol/errors';
import type { Input } from '../protocol/contract';

const maxOutputBytes = 32 << 20;
const answerTimeoutMs = 8000;

/** Joins each group named before `--` and becomes the program after it. From outside it would be too late: nsenter forks at once, and a child stays where it began. */
const joinThenExec = 'while [ "$1" != -- ]; do echo 0 >"$1"; shift; done; shift; exec "$@"';

const entryDescriptor = 3;
/** Not of the form that names of terminals have. */
const commandsSession = 'detached commands';

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

/** Runs a command with the caller's streams. */
export async function exec(record: PodRecord, request: Input<'pod.exec'>, lanes: Lanes, signal: AbortSignal): Promise<number> {
  const state = requireRunning(record, 'run a command');
  const user = request.user ?? record.user;
  if (request.detach) return await execInside(record, state, request.command);
  using _client = registerClient(record, 'exec', request.command.join(' ').slice(0, 80));
  using entering = await prepareEntry(record, state, { user, term: request.terminal?.term ?? 'dumb', command: request.command });
  if (request.terminal) {
    using pty = Pty.start('sh', entering.arguments, request.terminal, { term: request.terminal.term, descriptors: [entering.fd] });
    const end = (): void => void pty.child.kill('SIGHUP');
    signal.addEventListener('abort', end, { once: true });
    followWindowSizes(lanes.sizes, (size) => pty.resize(size));
    pty.stream.pipe(lanes.terminal, { end: false });
    lanes.terminal.pipe(pty.stream);
    const code = await exitOf(pty.child);
    await flushed(lanes.terminal);
    return code;
  }
  const child = start('sh', entering.arguments, { stdio: ['pipe', 'pipe', 'pipe', entering.fd] });
  signal.addEventListener('abort', () => child.kill('SIGKILL'), { once: true });
  child.stdin!.on('error', () => {}); // a command may end without reading its input
  lanes.terminal.pipe(child.stdin!);
  child.stdout!.pipe(lanes.terminal, { end: false });
  child.stderr!.pipe(lanes.errors, { end: false });
  const code = await exitOf(child);
  await Promise.all([flushed(lanes.terminal), flushed(lanes.errors)]);
  return code;
}

/** Starts a command as a descendant of the POD's own terminal server, so that it is a part of the session. */
async function execInside(record: PodRecord, state: RunningState, command: readonly string[]): Promise<number> {
  using client = registerClient(record, 'exec', command.join(' ').slice(0, 80));
  const tmux = ['tmux', '-f', `/${tmuxConfigurationPath}`, '-S', tmuxSocket];
  const inWindow = [...tmux, 'new-window', '-d', '-t', `=${commandsSession}:`, '--', ...command];
  const inSession = [...tmux, 'new-session', '-d', '-s', commandsSession, '--', ...command];
  let ended = await runInside(record, state, inWindow, client.detach);
  for (const attempt of [inSession, inWindow]) if (ended.exitCode !== 0) ended = await runInside(record, state, attempt, client.detach); // two may come first at the same time
  const { exitCode, stderr } = ended;
  if (exitCode !== 0) throw new ZapError('pod/exec-failed', `The command could not be started in POD "${record.name}": ${stderr.trim()}`, { hint: 'Its environment needs tmux for --detach.' });
  return 0;
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
