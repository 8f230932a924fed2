import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { Channel } from './channel';
import { ChannelListener, connectChannel, secureClient, secureServer } from './secure-channel';

const key = Buffer.alloc(32, 1);
const wrongKey = Buffer.alloc(32, 2);
const Hello = z.strictObject({ type: z.literal('hello'), text: z.string() });
const open: { close(): void }[] = [];
afterEach(() => open.splice(0).forEach((one) => one.close()));

async function pair(): Promise<{ source: Channel; target: Channel; listener: ChannelListener }> {
  const listener = await ChannelListener.listen(key, 'transfer');
  open.push({ close: () => listener[Symbol.dispose]() });
  const [source, target] = await Promise.all([connectChannel({ addresses: ['127.0.0.1'], port: listener.port }, key, 'transfer'), listener.accept(new AbortController().signal)]);
  open.push({ close: () => source.destroy() }, { close: () => target.destroy() });
  return { source, target, listener };
}

/** Two ends of one byte stream without TLS: what a relay through the desktop is. */
async function plainPair(): Promise<[Duplex, Duplex]> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const left = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [right] = (await once(server, 'connection')) as [Duplex];
  open.push({ close: () => void left.destroy() }, { close: () => void right.destroy() }, { close: () => void server.close() });
  return [left, right];
}

test('messages and streams arrive in order, whatever their size', async () => {
  const { source, target } = await pair();
  const bytes = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => index % 251));
  void (async () => {
    await source.send({ type: 'hello', text: 'before' });
    const sink = source.sink();
    for (let offset = 0; offset < bytes.length; offset += 700_001) await sink.write(bytes.subarray(offset, offset + 700_001));
    await sink.end();
    await source.send({ type: 'hello', text: 'after' });
  })();
  expect((await target.receive(Hello)).text).toBe('before');
  const pieces: Buffer[] = [];
  for await (const piece of target.chunks()) pieces.push(Buffer.from(piece));
  expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
  expect((await target.receive(Hello)).text).toBe('after');
});

test('without the key, or with the name of another transfer, there is no channel', async () => {
  const { listener } = await pair();
  const peer = { addresses: ['127.0.0.1'], port: listener.port };
  await expect(connectChannel(peer, wrongKey, 'transfer')).rejects.toMatchObject({ code: 'move/channel-refused' });
  await expect(connectChannel(peer, key, 'another')).rejects.toMatchObject({ code: 'move/channel-refused' });
});

test('a stranger who speaks no TLS does not disturb the one who has the key', async () => {
  const listener = await ChannelListener.listen(key, 'transfer');
  open.push({ close: () => listener[Symbol.dispose]() });
  const stranger = connect(listener.port, '127.0.0.1');
  open.push({ close: () => stranger.destroy() });
  stranger.on('error', () => {});
  stranger.write('GET / HTTP/1.0\r\n\r\n');
  const [source, target] = await Promise.all([connectChannel({ addresses: ['127.0.0.1'], port: listener.port }, key, 'transfer'), listener.accept(new AbortController().signal)]);
  open.push({ close: () => source.destroy() }, { close: () => target.destroy() });
  await source.send({ type: 'hello', text: 'it is me' });
  expect((await target.receive(Hello)).text).toBe('it is me');
});

test('through the desktop it is the same channel', async () => {
  const [left, right] = await plainPair();
  const [source, target] = await Promise.all([secureClient(left, key, 'transfer'), secureServer(right, key, 'transfer')]);
  open.push({ close: () => source.destroy() }, { close: () => target.destroy() });
  await target.send({ type: 'hello', text: 'relayed' });
  expect((await source.receive(Hello)).text).toBe('relayed');
});

test('a cut ends whoever waits, with a code that says so', async () => {
  const { source, target } = await pair();
  const waiting = target.receive(Hello);
  source.destroy();
  await expect(waiting).rejects.toMatchObject({ code: 'move/channel-lost' });
  await expect(target.send({ type: 'hello', text: 'too late' })).rejects.toMatchObject({ code: 'move/channel-lost' });
});

test('a refusal is thrown as the error that the peer named, also in the middle of a stream', async () => {
  const { source, target } = await pair();
  await source.send({ type: 'failed', error: { code: 'pod/busy', message: 'It is busy.' } });
  await expect(target.receive(Hello)).rejects.toMatchObject({ code: 'pod/busy' });
  const sink = source.sink();
  await sink.write(Buffer.alloc(10));
  await source.send({ type: 'failed', error: { code: 'criu/dump-failed', message: 'No.' } });
  await expect((async () => { for await (const _ of target.chunks()); })()).rejects.toMatchObject({ code: 'criu/dump-failed' });
});

test('what a peer may not say is refused', async () => {
  for (const bytes of [Buffer.from([0xff, 0xff, 0xff, 0xff, 0]), Buffer.from([0, 0, 0, 1, 9, 0]), Buffer.from([0, 0, 0, 2, 0, 0x7b, 0x7b]), Buffer.concat([Buffer.from([0, 0, 0, 14, 0]), Buffer.from('{"type":"bye"}')])]) {
    const [left, right] = await plainPair();
    const channel = new Channel(right);
    left.write(bytes);
    await expect(channel.receive(Hello)).rejects.toMatchObject({ code: 'move/protocol' });
    channel.destroy();
  }
});

const impatient = { aliveEveryMs: 20, silenceMs: 150 };

test('an end that says nothing any more is given up; one that merely has nothing to say is not', async () => {
  const [near, far] = await plainPair();
  const channel = new Channel(near, impatient);
  const peer = new Channel(far, impatient);
  const receiving = channel.receive(Hello);
  setTimeout(() => void peer.send({ type: 'hello', text: 'late' }), 500);
  expect(await receiving).toEqual({ type: 'hello', text: 'late' });
  const [silent] = await plainPair();
  await expect(new Channel(silent, impatient).receive(Hello)).rejects.toMatchObject({ code: 'move/channel-lost' });
});

test('signs of life come between messages, and are none', async () => {
  const [near, far] = await plainPair();
  const [channel, peer] = [new Channel(near, impatient), new Channel(far, impatient)];
  for (const text of ['one', 'two', 'three']) {
    await new Promise((resolve) => setTimeout(resolve, 70));
    await peer.send({ type: 'hello', text });
    expect(await channel.receive(Hello)).toEqual({ type: 'hello', text });
  }
});
