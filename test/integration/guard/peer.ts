/** A helper on the other side of a transfer that does not keep to anything. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Output } from '../../../helper/protocol/contract';
import type { Channel } from '../../../helper/move/channel';
import { connectChannel } from '../../../helper/move/secure-channel';
import type { Suite } from '../support/suite';
import { until } from '../support/until';
import { HelperOn } from './helper-on';

type Message = { readonly type: string; readonly [key: string]: unknown };

export function hostilePeer(suite: Suite): void {
  describe('a hostile host that sends', () => {
    let environment: { digest: string; name: string; sizeBytes: number };

    beforeAll(async () => {
      await suite.create('there', { options: ['--network', 'none'], command: ['sleep', 'infinity'] }); // so the environment is there
      const { environments } = await suite.zap.json<{ environments: { digest: string; names: string[]; sizeBytes: number }[] }>('env', 'list', '--host', 'alpha');
      const { digest, sizeBytes } = environments.find(({ names }) => names.includes('suite'))!;
      environment = { digest, name: 'suite', sizeBytes };
    }, 120_000);
    afterAll(() => suite.delete('there'), 60_000);

    const demand = (changes: object = {}): object => ({
      id: randomBytes(6).toString('hex'), name: 'trojan', environment, network: { profile: 'none' }, mac: '02:00:00:00:00:07', uidBase: 2 ** 30 + 65536 * 77, limits: {}, memoryBytes: 1, layerBytes: 1, cpuFlags: [], isClone: false, willRun: false, ...changes,
    });
    const offer = (transfer: string, changes: object = {}, demanded: object = {}): Message => ({
      type: 'offer', version: 1, transfer, kind: 'move', demand: demand(demanded), owner: 'root', command: null, user: 'user', hasDisplay: false, createdAt: '', isStored: true, ...changes,
    });

    /** Lets a peer in at alpha, and returns how the transfer failed there; nothing may be left of it. */
    async function receiving(play: (channel: Channel, transfer: string) => Promise<void>): Promise<string> {
      const before = suite.alpha.records().map(({ id }) => id).sort();
      await using helper = await HelperOn.start(suite, 'alpha');
      const [transfer, key] = [randomBytes(8).toString('hex'), randomBytes(32).toString('hex')];
      const { result, listening } = helper.receive(transfer, key);
      const failure = result.then((answer: Output<'transfer.receive'>) => `arrived ${JSON.stringify(answer)}`, (error: { code: string }) => error.code);
      const channel = await connectChannel(await listening, Buffer.from(key, 'hex'), transfer);
      await play(channel, transfer).catch(() => {}); // it may be cut off in the middle
      channel.close();
      const how = await failure;
      await until('nothing of it is left', () => suite.alpha.records().map(({ id }) => id).sort().join() === before.join());
      expect(suite.alpha.journals().filter(({ role }) => role === 'target')).toEqual([]);
      return how;
    }

    const chunks = async (channel: Channel, ...pieces: Buffer[]): Promise<void> => {
      const sink = channel.sink();
      for (const piece of pieces) await sink.write(piece);
      await sink.end();
    };

    test.each<[what: string, code: string, play: (channel: Channel, transfer: string) => Promise<void>]>([
      ['another transfer', 'move/protocol', (channel) => channel.send(offer('0'.repeat(16)))],
      ['a word about a transfer that there is not', 'move/protocol', (channel) => channel.send({ type: 'verdict', verdict: 'commit' })],
      ['no message', 'move/protocol', (channel) => channel.send({ type: 'hello' })],
      ['a stream in place of a message', 'move/protocol', (channel) => chunks(channel, Buffer.from('x'))],
      ['an id that leads elsewhere', 'move/protocol', (channel, transfer) => channel.send(offer(transfer, {}, { id: '../../../etc' }))],
      ['a name that leads elsewhere', 'move/protocol', (channel, transfer) => channel.send(offer(transfer, {}, { name: '../x' }))],
      ['an owner that is no name', 'move/protocol', (channel, transfer) => channel.send(offer(transfer, { owner: '../root\n' }))],
      ['a POD that is here', 'preflight/already-here', (channel, transfer) => channel.send(offer(transfer, {}, { id: suite.alpha.record('there')!.id }))],
      ['the ids of another POD', 'preflight/id-range-taken', (channel, transfer) => channel.send(offer(transfer, {}, { uidBase: suite.alpha.record('there')!.uidBase }))],
      ['ids of the host', 'preflight/id-range-invalid', (channel, transfer) => channel.send(offer(transfer, {}, { uidBase: 0 }))],
      ['ids that overlap', 'preflight/id-range-invalid', (channel, transfer) => channel.send(offer(transfer, {}, { uidBase: 2 ** 30 + 5 }))],
      ['a layer that leads out', 'checkpoint/broken-archive', async (channel, transfer) => {
        await channel.send(offer(transfer));
        await channel.send({ type: 'layer' });
        await chunks(channel, Buffer.from('no archive'));
      }],
      ['a checkpoint that is none', 'checkpoint/broken-archive', async (channel, transfer) => {
        await channel.send(offer(transfer));
        await channel.send({ type: 'checkpoint' });
        await chunks(channel, Buffer.alloc(100));
      }],
      ['its end in the middle', 'move/channel-lost', async (channel, transfer) => {
        await channel.send(offer(transfer));
        await channel.send({ type: 'layer' });
        channel.destroy();
      }],
    ])('%s is refused, and nothing is left of it', async (_what, code, play) => {
      expect(await receiving(play)).toBe(code);
    });
  });
}
