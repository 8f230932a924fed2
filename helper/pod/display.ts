/**
 * The POD's display: the unix socket of its own VNC server, joined to a byte stream.
 *
 * The socket lies in files that the POD controls: it is opened without following any link, found to be a socket, and connected to by its descriptor.
 */
import { closeSync, fstatSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Duplex } from 'node:stream';
import { ZapError } from '../protocol/errors';
import { O_NOFOLLOW, O_PATH, openBeneath, openRoot } from '../system/paths';
import { registerClient } from './clients';
import { podPaths, requireRunning, type PodRecord } from './record';
import { vncSocket } from './start-script';

const startTimeoutMs = 30_000;

/** A connection to a unix socket inside the POD. */
async function connectInside(record: PodRecord, path: string): Promise<Socket> {
  const root = openRoot(podPaths(record.id).root);
  let file = -1;
  try {
    file = openBeneath(root, path.replace(/^\//, ''), O_PATH | O_NOFOLLOW);
    if (!fstatSync(file).isSocket()) throw Object.assign(new Error(`${path} is not a socket`), { code: 'ENOTSOCK' });
    const socket = connect(`/proc/self/fd/${file}`);
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return socket;
  } finally {
    if (file >= 0) closeSync(file);
    closeSync(root);
  }
}

/** Waits until the POD's VNC server takes connections. */
export async function waitForDisplay(record: PodRecord, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + startTimeoutMs;
  for (;;) {
    signal.throwIfAborted();
    requireRunning(record, 'show a display');
    try {
      (await connectInside(record, vncSocket)).destroy();
      return;
    } catch (error) {
      if (performance.now() > deadline) {
        throw new ZapError('pod/display-missing', `The display of POD "${record.name}" did not start within ${startTimeoutMs / 1000} s.`, { hint: `Look at its log: zap pod logs ${record.name}`, cause: error });
      }
    }
    await sleep(25);
  }
}

/** Joins the POD's VNC server and `stream` until either ends or the POD is frozen. */
export async function streamDisplay(record: PodRecord, stream: Duplex, signal: AbortSignal): Promise<'ended' | 'detached'> {
  requireRunning(record, 'show a display');
  if (!record.hasDisplay) throw new ZapError('pod/no-display', `POD "${record.name}" has no display.`, { hint: 'Its environment has no desktop; use zap pod attach for a terminal.' });
  using client = registerClient(record, 'viewer', 'display');
  const socket = await connectInside(record, vncSocket).catch((error: unknown) => {
    throw new ZapError('pod/display-missing', `The VNC server of POD "${record.name}" does not answer.`, { hint: `Look at its log: zap pod logs ${record.name}`, cause: error });
  });
  return await joined(socket, stream, signal, client.detach);
}

/** Pipes two byte streams into each other; the first end of either, or the signal, ends both. */
async function joined(inside: Socket, outside: Duplex, signal: AbortSignal, detach: AbortSignal): Promise<'ended' | 'detached'> {
  return await new Promise((resolve) => {
    const finish = (reason: 'ended' | 'detached') => (): void => {
      inside.destroy();
      outside.end();
      resolve(reason);
    };
    inside.once('close', finish(detach.aborted ? 'detached' : 'ended')).on('error', () => {});
    outside.once('close', finish('ended')).once('end', finish('ended')).on('error', () => {});
    signal.addEventListener('abort', finish('ended'), { once: true });
    detach.addEventListener('abort', finish('detached'), { once: true });
    inside.pipe(outside, { end: false });
    outside.pipe(inside);
  });
}
