/** Commands of a caller's in a POD: with the caller's streams, or as a part of the session. */
import type { Input } from '../protocol/contract';
import { ZapError } from '../protocol/errors';
import { Pty } from '../system/pty';
import { start } from '../system/spawn';
import { registerClient } from './clients';
import { exitOf, flushed, followWindowSizes, prepareEntry, runInside, type Lanes } from './enter';
import { requireRunning, type PodRecord, type RunningState } from './record';
import { tmuxConfigurationPath, tmuxSocket } from './start-script';

/** Not of the form that names of terminals have. */
const commandsSession = 'detached commands';

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
