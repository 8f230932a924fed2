/** A wire between two hosts that somebody else has his hands on. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp, createServer, type AddressInfo } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { ChannelListener, connectChannel } from './secure-channel';

const key = Buffer.alloc(32, 1);
const transfer = '0123456789abcdef';

test('a key is worth nothing once its transfer is over', async () => {
  const listener = await ChannelListener.listen(key, transfer);
  const { port } = listener;
  (await connectChannel({ addresses: ['127.0.0.1'], port }, key, transfer)).destroy();
  listener[Symbol.dispose]();
  await expect(connectChannel({ addresses: ['127.0.0.1'], port }, key, transfer)).rejects.toMatchObject({ code: 'move/unreachable' });
  using next = await ChannelListener.listen(Buffer.alloc(32, 9), 'ffffffffffffffff');
  await expect(connectChannel({ addresses: ['127.0.0.1'], port: next.port }, key, transfer)).rejects.toMatchObject({ code: 'move/channel-refused' });
});

test('who speaks an older TLS, or another cipher, is refused with the right key too', async () => {
  using listener = await ChannelListener.listen(key, transfer);
  const attempt = (options: ConnectionOptions): Promise<string> =>
    new Promise((resolve) => {
      const socket = connectTls({ host: '127.0.0.1', port: listener.port, pskCallback: () => ({ psk: key, identity: transfer }), checkServerIdentity: () => undefined, ...options });
      socket.once('secureConnect', () => (resolve(`${socket.getProtocol()} ${socket.getCipher().name}`), socket.destroy()));
      socket.once('error', () => resolve('refused'));
    });
  expect(await attempt({ minVersion: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256' })).toBe('TLSv1.3 TLS_AES_128_GCM_SHA256');
  expect(await attempt({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', ciphers: 'PSK-AES128-GCM-SHA256' })).toBe('refused');
  expect(await attempt({ minVersion: 'TLSv1.3', ciphers: 'TLS_CHACHA20_POLY1305_SHA256' })).toBe('refused');
});

test('a bit that changes on the way ends the channel, wherever it is', async () => {
  using listener = await ChannelListener.listen(key, transfer);
  for (const flipAt of [3, 700, 5000, 40_000, 90_000]) {
    const wire = createServer((near) => {
      const far = connectTcp({ host: '127.0.0.1', port: listener.port });
      let passed = 0;
      near.on('data', (chunk: Buffer) => {
        const at = flipAt - passed;
        passed += chunk.length;
        if (at >= 0 && at < chunk.length) chunk[at]! ^= 0x10;
        far.write(chunk);
      });
      far.pipe(near);
      for (const socket of [near, far]) socket.on('error', () => {}).on('close', () => (near.destroy(), far.destroy()));
    }).listen(0, '127.0.0.1');
    await once(wire, 'listening');
    const sent = randomBytes(100_000);
    const received = new Promise<string>((resolve) => {
      const listening = listener.accept(AbortSignal.timeout(500)).then(async (far) => {
        await far.receive(z.strictObject({ type: z.literal('bytes') }));
        const pieces: Buffer[] = [];
        for await (const piece of far.chunks()) pieces.push(piece);
        return Buffer.concat(pieces).equals(sent) ? 'all of it' : 'something else';
      });
      listening.then(resolve, (error: { code?: unknown; name: string }) => resolve(typeof error.code === 'string' ? error.code : error.name));
    });
    const sending = (async () => {
      const near = await connectChannel({ addresses: ['127.0.0.1'], port: (wire.address() as AddressInfo).port }, key, transfer);
      await near.send({ type: 'bytes' });
      const sink = near.sink();
      await sink.write(sent);
      await sink.end();
      near.close();
    })().catch(() => {});
    expect(['move/channel-lost', 'TimeoutError'], `flipped byte ${flipAt}`).toContain(await received);
    await sending;
    wire.close();
  }
}, 30_000);
