/** A command in a POD, its streams joined to ours. */
import type { Duplex } from 'node:stream';
import { ZapError } from '../../helper/protocol/errors';
import type { HelperClient } from '../helper-client/client';
import type { Context } from './context';
import type { Result, Sink } from './output';
import { openTerminal, terminalSize, toLane } from './terminal';

/** What --json collects of each stream. */
const MAX_COLLECTED_BYTES = 64 << 20;

export interface ExecRequest {
  pod: string;
  command: string[];
  user: string | undefined;
  detach: boolean;
  hasTerminal: boolean;
}

export async function execute(client: HelperClient, request: ExecRequest, context: Context): Promise<Result> {
  const { pod, command, user, detach, hasTerminal } = request;
  if (hasTerminal && (context.isJson || detach)) throw new ZapError('usage/bad-arguments', '-t goes with neither --json nor --detach.');
  const size = terminalSize();
  const params = { pod, command, detach, ...(user === undefined ? {} : { user }), ...(hasTerminal ? { terminal: { ...size, term: process.env['TERM'] ?? 'xterm-256color' } } : {}) };
  const overflow = new AbortController();
  const call = client.start('pod.exec', params, { signal: AbortSignal.any([context.signal, overflow.signal]) });
  const [stdio, sizes, stderr] = [call.lane(0), call.lane(1), call.lane(2)];
  for (const lane of [stdio, sizes, stderr]) lane.on('error', () => {});

  const collected = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const outEnded = context.isJson ? collect(stdio, collected.stdout, overflow) : passOn(stdio, context.output.stdout);
  const errEnded = context.isJson ? collect(stderr, collected.stderr, overflow) : passOn(stderr, context.output.stderr);
  const terminal = hasTerminal ? openTerminal(context, toLane(sizes)) : undefined;
  if (detach) stdio.end();
  else context.stdin.pipe(stdio);
  try {
    const { exitCode } = await call.result;
    await Promise.all([outEnded, errEnded]);
    if (overflow.signal.aborted) throw new ZapError('usage/output-too-big', `The command printed more than ${MAX_COLLECTED_BYTES >> 20} MiB and was ended.`, { hint: 'Without --json it is passed on as it comes.' });
    if (context.signal.aborted) throw new ZapError('cancelled/by-user', 'Cancelled: the command was ended.');
    const output = context.isJson ? { stdout: Buffer.concat(collected.stdout).toString(), stderr: Buffer.concat(collected.stderr).toString() } : {};
    return { json: { exitCode, ...output }, exitCode };
  } finally {
    terminal?.restore();
    context.stdin.unpipe(stdio);
    context.stdin.pause();
  }
}

/** Writes what comes, no faster than the reader takes it. */
function passOn(lane: Duplex, sink: Sink): Promise<void> {
  lane.on('data', (chunk: Buffer) => {
    if (sink.write(chunk) !== false || !sink.once) return;
    lane.pause();
    sink.once('drain', () => lane.resume());
  });
  return ended(lane);
}

function collect(lane: Duplex, chunks: Buffer[], overflow: AbortController): Promise<void> {
  let bytes = 0;
  lane.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_COLLECTED_BYTES) overflow.abort();
    else chunks.push(chunk);
  });
  return ended(lane);
}

function ended(lane: Duplex): Promise<void> {
  return new Promise((resolve) => {
    lane.once('end', resolve);
    lane.once('close', resolve);
  });
}
