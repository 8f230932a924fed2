/**
 * The POD's display: the unix socket of its own VNC server, joined to a byte stream.
 *
 * The socket lies in files that the POD controls: it is opened without following any link, found to be a socket, and connected to by its descriptor.
 */
import { closeSync, fstatSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Duplex } from 'node:stream';
import type { Output } from '../protocol/contract';
import { ZapError } from '../protocol/errors';
import { O_NOFOLLOW, O_PATH, openBeneath, openRoot } from '../system/paths';
import { registerClient } from './clients';
import { InputFeed } from './input-feed';
import { podPaths } from './paths';
import { requireAlive, requireRunning, type PodRecord } from './record';
import { vncSocket } from './start-script';

const startTimeoutMs = 30_000;
const readTimeoutMs = 250;

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
export async function streamDisplay(record: PodRecord, stream: Duplex, signal: AbortSignal): Promise<Output<'pod.display'>> {
  requireAlive(record, 'show a display');
  if (!record.hasDisplay) throw new ZapError('pod/no-display', `POD "${record.name}" has no display.`, { hint: 'Its environment has no desktop; use zap pod attach for a terminal.' });
  using client = registerClient(record, 'viewer', 'display');
  const socket = await connectInside(record, vncSocket).catch((error: unknown) => {
    throw new ZapError('pod/display-missing', `The VNC server of POD "${record.name}" does not answer.`, { hint: `Look at its log: zap pod logs ${record.name}`, cause: error });
  });
  const inputBytes = await join(socket, stream, signal, client.detach);
  return { reason: client.detach.aborted ? 'detached' : 'ended', inputBytes };
}

/** Pipes two byte streams into each other; the first end of either, or a signal, ends both. Returns how much of the input the server read. */
async function join(inside: Socket, outside: Duplex, signal: AbortSignal, detach: AbortSignal): Promise<number> {
  const feed = new InputFeed(outside, inside);
  await new Promise<void>((resolve) => {
    const finish = (): void => {
      inside.destroy();
      outside.end();
      resolve();
    };
    // The server reads to the end of its input before it hangs up: then nothing that was typed is lost on the way to it.
    const letGo = (): void => {
      setTimeout(finish, readTimeoutMs).unref();
      void feed.stop().then(() => inside.end());
    };
    inside.once('close', finish).on('error', () => {});
    outside.once('close', finish).once('end', finish).on('error', () => {});
    signal.addEventListener('abort', finish, { once: true });
    detach.addEventListener('abort', letGo, { once: true });
    inside.pipe(outside, { end: false });
  });
  return feed.bytes;
}
