import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import type { Channel } from './channel';
import { ChannelListener, connectChannel } from './secure-channel';
import { awaitVerdict } from './verdict';

const key = Buffer.alloc(32, 1);
const transfer = '0123456789abcdef';
const open: { close(): void }[] = [];
afterEach(() => open.splice(0).forEach((one) => one.close()));

async function listening(): Promise<{ listener: ChannelListener; connect: () => Promise<Channel> }> {
  const listener = await ChannelListener.listen(key, transfer);
  open.push({ close: () => listener[Symbol.dispose]() });
  const connect = async (): Promise<Channel> => {
    const channel = await connectChannel({ addresses: ['127.0.0.1'], port: listener.port }, key, transfer);
    open.push({ close: () => channel.destroy() });
    return channel;
  };
  return { listener, connect };
}

test('a source that comes a second time, while its word arrives by another way, is not left waiting', async () => {
  const { listener, connect } = await listening();
  const sayer = await connect();
  const first = await listener.accept(new AbortController().signal);
  let hasCome = (): void => {};
  const come = new Promise<void>((resolve) => (hasCome = resolve));
  const nextChannel = async (signal: AbortSignal): Promise<Channel> => {
    const channel = await listener.accept(signal);
    hasCome();
    return channel;
  };
  const word = awaitVerdict(first, { transfer, nextChannel, isClone: false, onDoubt: () => {} });
  const waiting = await connect();
  await come;
  await sayer.send({ type: 'verdict', verdict: 'commit' });
  expect(await word).toMatchObject({ verdict: 'commit', over: first });
  // Hears that nobody will answer, so that it asks again.
  await expect(waiting.receive(z.unknown())).rejects.toMatchObject({ code: 'move/channel-lost' });
});
