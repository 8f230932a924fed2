/**
 * A POD's terminals: the sessions of the tmux server inside it.
 *
 * A view is a throw-away client of that server. When the POD is about to be frozen it is fed nothing more, what it was fed is read to the end, and it is told
 * how much that was: so every key that was typed arrives once, on one host or the other.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Duplex } from 'node:stream';
import type { Input, Output } from '../protocol/contract';
import { ZapError } from '../protocol/errors';
import { namespaceMembers, readStat } from '../system/process';
import { Pty } from '../system/pty';
import { registerClient } from './clients';
import { exitOf, flushed, followWindowSizes, prepareEntry, runInside, type Lanes } from './enter';
import { InputFeed } from './input-feed';
import { isInside } from './inside';
import { requireAlive, type PodRecord, type RunningState } from './record';
import { tmuxConfigurationPath, tmuxSocket } from './start-script';

/**
 * So much of a terminal is on its way at once. tmux leaves out what a slow client does not take, and draws the screen as it is: a flood then costs the program that
 * makes it nothing, and what is seen is never far behind. More would be shown long after it was stopped.
 */
export const viewWindowBytes = 64 << 10;
const readTimeoutMs = 1_000;
const maxTerminals = 100;

function requireTerminals(record: PodRecord): RunningState {
  const state = requireAlive(record, 'show a terminal');
  if (!isInside(record, tmuxConfigurationPath)) throw new ZapError('pod/no-terminal', `POD "${record.name}" has no terminal server.`, { hint: 'Its environment lacks tmux.' });
  return state;
}

/** Attaches a client until it is closed or the POD freezes. */
export async function attach(record: PodRecord, { terminal, window = 'main' }: Input<'pod.attach'>, lanes: Lanes, signal: AbortSignal): Promise<Output<'pod.attach'>> {
  const state = requireTerminals(record);
  using client = registerClient(record, 'terminal', 'terminal');
  const tmux = ['tmux', '-f', `/${tmuxConfigurationPath}`, '-S', tmuxSocket, 'new-session', '-A', '-s', window];
  using entering = await prepareEntry(record, state, { user: record.user, term: terminal.term, command: tmux });
  using pty = Pty.start('sh', entering.arguments, terminal, { term: terminal.term, descriptors: [entering.fd] });
  const feed = new InputFeed(lanes.terminal, pty.stream);
  const end = (): void => void pty.child.kill('SIGHUP');
  let unreadBytes = 0;
  const letGo = (): void =>
    void readToTheEnd(pty, feed, state.init.pid)
      .then((bytes) => (unreadBytes = bytes))
      .finally(end);
  client.detach.addEventListener('abort', letGo, { once: true });
  signal.addEventListener('abort', end, { once: true });
  lanes.terminal.once('end', end).once('close', end);
  followWindowSizes(lanes.sizes, (size) => pty.resize(size));
  pty.stream.pipe(lanes.terminal, { end: false });
  await exitOf(pty.child);
  client[Symbol.dispose](); // a freeze waits for nothing but the end of the client itself
  await flushed(lanes.terminal);
  return { reason: client.detach.aborted ? 'detached' : 'ended', inputBytes: feed.bytes - unreadBytes };
}

/**
 * Written is not read, and read is not dealt with: what is still in the terminal when it goes is lost, and so is what tmux has read and not yet handed to
 * the shell, since it forgets the keys of a client that is gone. It has none left when it sleeps. Resolves with the bytes that were not read in time.
 */
async function readToTheEnd(pty: Pty, feed: InputFeed, init: number): Promise<number> {
  const deadlineMs = performance.now() + readTimeoutMs;
  await Promise.race([feed.stop(), sleep(readTimeoutMs)]);
  const servers = namespaceMembers(init).filter((pid) => readStat(pid)?.name === 'tmux: server');
  const isIdle = (): boolean => pty.unreadInputBytes() === 0 && servers.every((pid) => readStat(pid)?.state === 'S');
  // Twice: bytes pass from the one end to the other by a worker of the kernel's, and are seen at neither meanwhile.
  for (let seenIdle = 0; seenIdle < 2 && performance.now() < deadlineMs; ) {
    await sleep(1);
    seenIdle = isIdle() ? seenIdle + 1 : 0;
  }
  return pty.unreadInputBytes();
}

export async function listTerminals(record: PodRecord): Promise<Output<'pod.terminals'>> {
  const state = requireTerminals(record);
  const { exitCode, stdout } = await runTmux(record, state, ['list-sessions', '-F', '#{session_name}\t#{pane_current_command}\t#{pane_title}']);
  if (exitCode !== 0) return { terminals: [] }; // the last one was closed
  return { terminals: parseTerminals(stdout) };
}

/** What the POD's tmux says of its sessions. It is the POD's program, and may say anything. */
export function parseTerminals(text: string): Output<'pod.terminals'>['terminals'] {
  const found = new Map<string, Output<'pod.terminals'>['terminals'][number]>();
  for (const line of text.split('\n')) {
    const [name = '', command = '', title = ''] = line.split('\t');
    if (/^[A-Za-z0-9_-]{1,32}$/.test(name)) found.set(name, { name, command: command.slice(0, 100), title: title.slice(0, 200) });
    if (found.size === maxTerminals) break;
  }
  return [...found.values()];
}

/** What a terminal has shown, down to the last line of its screen. */
export async function terminalHistory(record: PodRecord, { window, lines }: Input<'pod.terminal-history'>, lane: Duplex): Promise<Output<'pod.terminal-history'>> {
  const target = `=${window}:`;
  const { exitCode, stdout, stderr } = await runTmux(record, requireTerminals(record), ['display-message', '-p', '-t', target, '#{alternate_on}', ';', 'capture-pane', '-peJ', '-t', target, '-S', String(-lines)]);
  if (exitCode !== 0) throw new ZapError('pod/no-terminal', `POD "${record.name}" has no terminal "${window}": ${stderr.trim()}`, { data: { pod: record.name, window } });
  const end = stdout.indexOf('\n') + 1;
  lane.write(stdout.slice(end));
  await flushed(lane);
  return { isAlternateScreen: stdout.slice(0, end).trim() === '1' };
}

export async function closeTerminal(record: PodRecord, window: string): Promise<void> {
  await runTmux(record, requireTerminals(record), ['kill-session', '-t', `=${window}`]); // one that is gone already is what was wanted
}

async function runTmux(record: PodRecord, state: RunningState, args: readonly string[]): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  using client = registerClient(record, 'terminal', 'terminals');
  return await runInside(record, state, ['tmux', '-S', tmuxSocket, ...args], client.detach);
}
