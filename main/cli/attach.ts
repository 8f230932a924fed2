/**
 * A POD's terminal in ours.
 *
 * The terminal lives in the POD and moves with it; what breaks is only our view of it. When the helper says `detached`, the POD is looked for and the view
 * opened again where it is.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { ZapError } from '../../helper/protocol/errors';
import type { Fleet } from '../helper-client/fleet';
import { sayWhere } from '../moves/whereabouts';
import { findPod, type LocatedPod } from '../pods/locate';
import type { Context } from './context';
import type { Result } from './output';
import { openTerminal, requireTerminal, terminalSize, toLane } from './terminal';

const DETACH_KEY = 0x1d; // Ctrl-]
const POLL_INTERVAL_MS = 200;
const FOLLOW_TIMEOUT_MS = 120_000;

type Ending = 'ended' | 'detached' | 'left';

export async function attach(fleet: Fleet, ref: string, window: string | undefined, context: Context): Promise<Result> {
  if (context.isJson) throw new ZapError('usage/bad-arguments', 'A terminal cannot be printed as JSON.', { hint: 'Use `zap pod exec`.' });
  requireTerminal(context);
  let located = await findPod(fleet, ref, context.signal);
  const { id, name } = located.pod;
  for (;;) {
    const ending = await view(fleet, located, window, context);
    if (ending === 'left') return { json: {}, text: `[left ${name}; it goes on on ${located.host}]` };
    if (ending === 'ended') return { json: {}, text: `[the terminal of ${name} has ended]` };
    const followed = await follow(fleet, id, context);
    if (followed.pod.state.kind !== 'running') return { json: {}, text: `[${sayWhere(followed)}]` };
    if (followed.host !== located.host) context.output.notice(`${name} is on ${followed.host} now`);
    located = followed;
  }
}

/** Joins the two terminals until one end has enough. */
async function view(fleet: Fleet, { host, pod }: LocatedPod, window: string | undefined, context: Context): Promise<Ending> {
  const client = await fleet.client(host, context.signal);
  const leave = new AbortController();
  const call = client.start('pod.attach', { pod: pod.id, ...(window === undefined ? {} : { window }), terminal: { ...terminalSize(), term: process.env['TERM'] ?? 'xterm-256color' } }, { signal: AbortSignal.any([context.signal, leave.signal]) });
  const [bytes, sizes] = [call.lane(0), call.lane(1)];
  for (const lane of [bytes, sizes]) lane.on('error', () => {});
  bytes.on('data', (chunk: Buffer) => context.output.stdout.write(chunk));
  const onInput = (chunk: Buffer): void => {
    const at = chunk.indexOf(DETACH_KEY);
    bytes.write(at < 0 ? chunk : chunk.subarray(0, at));
    if (at >= 0) leave.abort();
  };
  const terminal = openTerminal(context, toLane(sizes));
  context.stdin.on('data', onInput);
  context.stdin.resume(); // paused at the end of the view before
  try {
    const { reason } = await call.result;
    return leave.signal.aborted ? 'left' : reason;
  } catch (error) {
    if (leave.signal.aborted) return 'left';
    if (error instanceof ZapError && (error.code === 'host/connection-lost' || error.code === 'pod/busy')) return 'detached'; // busy: it is just being frozen
    throw error;
  } finally {
    context.stdin.off('data', onInput);
    context.stdin.pause();
    terminal.restore();
    context.output.stdout.write('\r\n');
  }
}

/** The POD, once it stands still again. */
async function follow(fleet: Fleet, id: string, context: Context): Promise<LocatedPod> {
  const deadlineMs = Date.now() + FOLLOW_TIMEOUT_MS;
  for (;;) {
    await delay(POLL_INTERVAL_MS);
    try {
      const located = await findPod(fleet, id, context.signal);
      if (located.pod.state.kind !== 'moving' || Date.now() > deadlineMs) return located;
    } catch (error) {
      // In the moment of the commit neither host may name it.
      if (!(error instanceof ZapError) || error.code !== 'pod/not-found' || Date.now() > deadlineMs) throw error;
    }
  }
}
