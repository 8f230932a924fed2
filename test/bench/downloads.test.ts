import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { withDownloads } from './downloads';

const content = randomBytes(24 << 20);
const expected = { sizeBytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
let server: Server | undefined;

afterEach(async () => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

async function serve(answer: (url: string) => Buffer, afterBytes?: number): Promise<string> {
  server = createServer((request, response) => {
    const body = answer(request.url!);
    response.writeHead(200, { 'content-length': content.length });
    response.write(body.subarray(0, afterBytes), () => (afterBytes === undefined ? response.end() : response.destroy()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

test('downloads are still going on when the work is done, and end whole', async () => {
  const url = await serve(() => content);
  expect(await withDownloads(url, 3, expected, () => delay(300, 'moved'))).toBe('moved');
});

test('one changed byte is noticed', async () => {
  const changed = Buffer.from(content);
  changed[changed.length - 1]! ^= 1;
  let asked = 0;
  const url = await serve(() => (asked++ === 1 ? changed : content));
  await expect(withDownloads(url, 3, expected, () => delay(10))).rejects.toThrow('1 of 3 downloads are not what was sent');
});

test('a connection that is cut is noticed', async () => {
  const url = await serve(() => content, 8 << 20);
  await expect(withDownloads(url, 2, expected, () => delay(10))).rejects.toThrow();
});

test('downloads that end too early prove nothing', async () => {
  server = createServer((_request, response) => response.end('short'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  await expect(withDownloads(url, 2, expected, () => delay(500))).rejects.toThrow('2 of 2 downloads were over before the move was');
});
