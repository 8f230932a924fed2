import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { withClient } from './outside';
import { echoPort } from './ticker';

let server: Server | undefined;
const open: Socket[] = [];

afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
  server?.close();
  server = undefined;
});

async function serve(onByte: (socket: Socket) => void): Promise<void> {
  server = createServer((socket) => {
    open.push(socket);
    socket.on('error', () => {});
    socket.on('data', () => onByte(socket));
  });
  server.listen(echoPort, '127.0.0.1');
  await once(server, 'listening');
}

test('the longest wait is that of the pause', async () => {
  let isPaused = false;
  await serve((socket) => void delay(isPaused ? 300 : 0).then(() => socket.write('x')));
  const { result, longestMs } = await withClient('127.0.0.1', async () => {
    await delay(50);
    isPaused = true;
    await delay(100);
    isPaused = false;
    await delay(400);
    return 'done';
  });
  expect(result).toBe('done');
  expect(longestMs).toBeGreaterThanOrEqual(295);
});

test('a connection that does not survive is a failure', async () => {
  await serve((socket) => socket.write('x'));
  const work = withClient('127.0.0.1', async () => {
    await delay(50);
    for (const socket of open) socket.destroy();
    await delay(50);
  });
  await expect(work).rejects.toThrow('did not survive');
});
