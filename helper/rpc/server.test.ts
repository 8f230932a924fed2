/** The door of the helper, with whatever may be thrown at it. What is behind the door is not reached, and says so when it is. */
import { PassThrough, Writable } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CallContext, Connection } from '../protocol/connection';
import { contract } from '../protocol/contract';
import { serve } from './server';

type Handlers = Parameters<typeof serve>[3];
const reached: string[] = [];
const handlers = Object.fromEntries(Object.keys(contract).map((method) => [method, async () => void reached.push(method)])) as unknown as Handlers;
const waiting = Object.fromEntries(Object.keys(contract).map((method) => [method, () => new Promise(() => {})])) as unknown as Handlers;
const caller = { user: 'ada' };

function frame(type: number, id: number, payload: Buffer, sizeBytes = payload.length): Buffer {
  const header = Buffer.alloc(10);
  header.writeUInt32BE(sizeBytes, 0);
  header.writeUInt8(type, 4);
  header.writeUInt32BE(id, 6);
  return Buffer.concat([header, payload]);
}
const request = (id: number, method: string, params: unknown): Buffer => frame(1, id, Buffer.from(JSON.stringify({ method, params })));

function open(writable: Writable, of = handlers): { connection: Connection; readable: PassThrough; isClosed: () => boolean } {
  const readable = new PassThrough({ highWaterMark: 1 << 30 });
  const connection = serve(readable, writable, caller, of);
  let isClosed = false;
  void connection.closed.then(() => (isClosed = true));
  return { connection, readable, isClosed: () => isClosed };
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
const sink = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() });

test('bytes that are no frames end the connection or wait for their end; nothing behind the door is reached', async () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.tuple(fc.nat(20), fc.nat(), fc.uint8Array({ maxLength: 60 }), fc.nat(80)).map(([type, id, payload, size]) => new Uint8Array(frame(type, id, Buffer.from(payload), size))),
    fc.tuple(fc.nat(), fc.jsonValue({ maxDepth: 1 })).map(([id, value]) => new Uint8Array(frame(1, id, Buffer.from(JSON.stringify(value))))),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(bytes, { minLength: 1, maxLength: 5 }), async (chunks) => {
      const { readable, connection } = open(sink());
      for (const chunk of chunks) readable.write(chunk);
      await turn();
      connection.close();
      await connection.idle();
    }),
    { numRuns: 3000, seed: 1 },
  );
  expect(reached).toEqual([]);
});

test.each([
  ['larger than is allowed', frame(1, 1, Buffer.alloc(0), 5 << 20)],
  ['of a type that there is not', frame(77, 1, Buffer.alloc(0))],
  ['that is no JSON', frame(1, 1, Buffer.from('{'))],
  ['whose method is no text', frame(1, 1, Buffer.from('{"method":{"toString":1}}'))],
  ['that is nothing', frame(1, 1, Buffer.from('null'))],
  ['with an id that is in use', Buffer.concat([request(1, 'pod.list', {}), request(1, 'pod.list', {})])],
  ['of bytes that were not asked for', Buffer.concat([request(1, 'pod.list', {}), ...Array.from({ length: 17 }, () => frame(6, 1, Buffer.alloc(64 << 10)))])],
])('a frame %s ends the connection', async (_what, bytes) => {
  const { readable, isClosed } = open(sink(), waiting);
  readable.write(bytes);
  await turn();
  expect(isClosed()).toBe(true);
});

test('a client that asks without end is cut off', async () => {
  const { readable, isClosed } = open(sink(), waiting);
  for (let id = 1; id <= 1000; id++) readable.write(request(id, 'pod.list', {}));
  await turn();
  expect(isClosed()).toBe(false);
  readable.write(request(1001, 'pod.list', {}));
  await turn();
  expect(isClosed()).toBe(true);
});

test('a client that does not read its answers is not listened to until it does', async () => {
  let take: (() => void) | undefined;
  const stuck = new Writable({ highWaterMark: 1, write: (_chunk, _encoding, done) => void (take = done) });
  const large = { ...handlers, 'host.facts': async () => 'x'.repeat(1 << 20) } as unknown as Handlers;
  const { readable, connection } = open(stuck, large);
  for (let id = 1; id <= 40; id++) {
    readable.write(request(id, 'host.facts', {}));
    await turn();
  }
  expect(readable.isPaused()).toBe(true);
  expect(stuck.writableLength).toBeLessThan(36 << 20);
  while (readable.isPaused()) {
    const done = take;
    take = undefined;
    done?.();
    await turn();
  }
  connection.close();
});

test('a lane with a narrow window sends no more than that before it is taken', async () => {
  const answered: Buffer[] = [];
  const narrow = { ...handlers, 'pod.attach': async (_params: unknown, { lane }: CallContext) => new Promise<void>((resolve) => lane(0, 1000).end(Buffer.alloc(5000), () => resolve())) } as unknown as Handlers;
  const { readable, connection } = open(new Writable({ write: (chunk: Buffer, _encoding, done) => (answered.push(chunk), done()) }), narrow);
  const sentBytes = (): number => answered.filter((chunk) => chunk[4] === 6).reduce((sum, chunk) => sum + chunk.length - 10, 0);
  readable.write(request(1, 'pod.attach', { pod: '000000000001', terminal: { columns: 80, rows: 24, term: 'xterm' } }));
  await turn();
  expect(sentBytes()).toBe(1000);
  const credit = Buffer.alloc(4);
  credit.writeUInt32BE(4000);
  readable.write(frame(8, 1, credit));
  await turn();
  expect(sentBytes()).toBe(5000);
  connection.close();
});
