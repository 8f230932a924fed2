/** A command in a POD, its streams joined to ours. */
import type { Duplex } from 'node:stream';
import { ZapError } from '../../helper/protocol/errors';
import type { HelperClient } from '../helper-client/client';
import type { Result } from './command';
import type { Context } from './context';
import { openTerminal, terminalSize } from './terminal';

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
  const call = client.start('pod.exec', params, { signal: context.signal });
  const [stdio, sizes, stderr] = [call.lane(0), call.lane(1), call.lane(2)];
  for (const lane of [stdio, sizes, stderr]) lane.on('error', () => {});

  const collected = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const outEnded = consume(stdio, context.isJson ? collect(collected.stdout) : (chunk) => context.output.stdout.write(chunk));
  const errEnded = consume(stderr, context.isJson ? collect(collected.stderr) : (chunk) => context.output.stderr.write(chunk));
  const terminal = hasTerminal ? openTerminal(context, sizes) : undefined;
  if (detach) stdio.end();
  else context.stdin.pipe(stdio);
  try {
    const { exitCode } = await call.result;
    await Promise.all([outEnded, errEnded]);
    const output = context.isJson ? { stdout: Buffer.concat(collected.stdout).toString(), stderr: Buffer.concat(collected.stderr).toString() } : {};
    return { json: { exitCode, ...output }, exitCode };
  } finally {
    terminal?.restore();
    context.stdin.unpipe(stdio);
    context.stdin.pause();
  }
}

function consume(lane: Duplex, take: (chunk: Buffer) => unknown): Promise<void> {
  lane.on('data', take);
  return new Promise((resolve) => {
    lane.once('end', resolve);
    lane.once('close', resolve);
  });
}

function collect(chunks: Buffer[]): (chunk: Buffer) => void {
  let bytes = 0;
  return (chunk) => {
    bytes += chunk.length;
    if (bytes > MAX_COLLECTED_BYTES) throw new ZapError('usage/output-too-big', `The command printed more than ${MAX_COLLECTED_BYTES >> 20} MiB.`, { hint: 'Without --json it is passed on as it comes.' });
    chunks.push(chunk);
  };
}
