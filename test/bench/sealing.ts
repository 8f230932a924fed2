/**
 * What signing, summing and encrypting cost: JSON lines, megabytes of 10^6 bytes for each second of one processor.
 *
 * `store` and `open` are a suspended POD's way to the disk and back, reading, writing and fsync included: from images where a POD's are, in memory, to the disk that
 * checkpoints are on. It is the processor's time that counts, whatever the disk takes. `channel` is what a
 * move's bytes go through: both ends are in this process, so each has half of its time. `plain` is the same without TLS: the difference is the price of encrypting.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { hostSigner } from '../../helper/checkpoint/host-key';
import { openCheckpoint, storeCheckpoint } from '../../helper/checkpoint/store';
import { Channel } from '../../helper/move/channel';
import { ChannelListener, connectChannel } from '../../helper/move/secure-channel';
import { newImageFilesystem } from '../../helper/pod/images';
import { stateRoot } from '../../helper/pod/paths';
import { attachMount, detachMount } from '../../helper/system/mounts';

const contentBytes = 256 << 20;
const rounds = 5;
const pieceBytes = 256 << 10;
/** Of a desktop's move: what is still to be sent when it stands still, and for how long it does (docs/BENCHMARKS.md). */
const frozen = { bytes: 6e6, downtimeMs: 120 };

interface Cost {
  wallMs: number;
  cpuMs: number;
}

async function measure(act: () => Promise<void>, prepare = (): void => {}): Promise<Cost> {
  prepare();
  const [startedMs, before] = [performance.now(), process.cpuUsage()];
  await act();
  const { user, system } = process.cpuUsage(before);
  return { wallMs: performance.now() - startedMs, cpuMs: (user + system) / 1000 };
}

async function median(act: () => Promise<void>, prepare?: () => void): Promise<Cost> {
  const costs: Cost[] = [];
  for (let round = 0; round < rounds; round++) costs.push(await measure(act, prepare));
  return costs.sort((a, b) => a.cpuMs - b.cpuMs)[Math.floor(rounds / 2)]!;
}

const megabytesPerSecond = (bytes: number, ms: number): number => Math.round(bytes / 1e3 / ms);
const print = (line: Record<string, unknown>): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

async function checkpoints(): Promise<void> {
  mkdirSync(stateRoot, { recursive: true, mode: 0o755 });
  const base = mkdtempSync(join(stateRoot, '.bench-'));
  const memory = join(base, 'memory');
  try {
    mkdirSync(memory);
    const mount = newImageFilesystem();
    attachMount(mount, memory);
    closeSync(mount);
    const [images, opened, checkpoint] = [join(memory, 'images'), join(memory, 'opened'), join(base, 'checkpoint')];
    mkdirSync(images);
    for (let number = 1; number <= 4; number++) writeFileSync(join(images, `pages-${number}.img`), randomBytes(contentBytes / 4));
    for (let number = 1; number <= 100; number++) writeFileSync(join(images, `core-${number}.img`), randomBytes(900));
    const signer = hostSigner(join(base, 'key.pem'));
    const seal = { key: 'ab'.repeat(32), wrapped: 'x' };
    const store = await median(
      async () => void (await storeCheckpoint(images, checkpoint, { podId: '0123456789ab', criuVersion: '', init: null, seal, signer })),
      () => rmSync(checkpoint, { recursive: true, force: true }),
    );
    print({ what: 'store', mbPerSecondPerCore: megabytesPerSecond(contentBytes, store.cpuMs), wallMs: Math.round(store.wallMs) });
    const open = await median(
      async () => void (await openCheckpoint(checkpoint, opened, { podId: '0123456789ab', key: seal.key, signer })),
      () => {
        rmSync(opened, { recursive: true, force: true });
        mkdirSync(opened);
      },
    );
    print({ what: 'open', mbPerSecondPerCore: megabytesPerSecond(contentBytes, open.cpuMs), wallMs: Math.round(open.wallMs) });
    const signs = 1000;
    const sign = await median(async () => {
      for (let count = 0; count < signs; count++) signer.sign(Buffer.alloc(32));
    });
    print({ what: 'sign', us: Math.round((sign.cpuMs / signs) * 1000) });
  } finally {
    while (detachMount(memory));
    rmSync(base, { recursive: true });
  }
}

async function through(source: Channel, target: Channel, bytes: number): Promise<Cost> {
  const piece = randomBytes(pieceBytes);
  return await median(async () => {
    const receiving = (async () => {
      for await (const _ of target.chunks());
    })();
    const sink = source.sink();
    for (let sent = 0; sent < bytes; sent += piece.length) await sink.write(piece);
    await sink.end();
    await receiving;
  });
}

async function channels(): Promise<void> {
  const key = randomBytes(32);
  using listener = await ChannelListener.listen(key, 'bench');
  const [source, target] = await Promise.all([connectChannel({ addresses: ['127.0.0.1'], port: listener.port }, key, 'bench'), listener.accept(new AbortController().signal)]);
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const near = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [far] = (await once(server, 'connection')) as [typeof near];
  const [plainSource, plainTarget] = [new Channel(near), new Channel(far)];
  const secure = await through(source, target, contentBytes);
  const plain = await through(plainSource, plainTarget, contentBytes);
  for (const [what, cost] of [['channel', secure], ['plain', plain]] as const) print({ what, mbPerSecondPerCore: megabytesPerSecond(contentBytes, cost.cpuMs / 2), wallMs: Math.round(cost.wallMs) });
  const priceMs = ((secure.cpuMs - plain.cpuMs) / 2) * (frozen.bytes / contentBytes) * 2; // both ends, one after the other
  print({ what: 'share of downtime', bytes: frozen.bytes, downtimeMs: frozen.downtimeMs, encryptingMs: Math.round(priceMs * 10) / 10, percent: Math.round((priceMs / frozen.downtimeMs) * 1000) / 10 });
  for (const channel of [source, target, plainSource, plainTarget]) channel.destroy();
  server.close();
}

await checkpoints();
await channels();
