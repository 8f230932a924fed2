/**
 * The sending side of a move or clone.
 *
 * Up to the commit everything is undone on failure and the POD runs on here; from the commit on nothing may fail it any more.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ZapError } from '../protocol/errors';
import type { SendJob } from '../protocol/contract';
import type { Progress, TransferResult } from '../protocol/model';
import type { z } from 'zod';
import { Freeze, type Frozen, type Verdict } from '../checkpoint/freeze';
import { requireParts, verifyManifest } from '../checkpoint/manifest';
import { PageStore } from '../checkpoint/page-store';
import { openCheckpoint } from '../checkpoint/store';
import { Steps } from '../checkpoint/steps';
import { inspectTree } from '../criu/inspect';
import { writeArchive } from '../files/archive-write';
import type { EnvironmentStore } from '../files/environments';
import { LayerSync } from '../files/layer-sync';
import { makeImages, removeImages } from '../pod/images';
import { forgetLock, isRunning, lockPod, observe, podPaths, saveRecord, type PodRecord } from '../pod/record';
import { destroyPod, requireNothingLeft } from '../pod/remove';
import { memoryFreeBytes } from '../preflight/facts';
import { demandOf } from '../preflight/source';
import { killNamespace, namespaceMembers } from '../system/process';
import type { Channel } from './channel';
import { sendImages } from './image-pack';
import { FrozenMemory, isPagesFile } from './page-stream';
import { advanceJournal, closeJournal, openJournal, type SourceJournal } from './journal';
import { sendLivePages, sendMemoryMap, type MemoryAhead } from './page-sync';
import { Accept, EnvironmentStored, Pong, Prepared, Restored, RunningNow, type Offer } from './messages';

export interface SendContext {
  environments: EnvironmentStore;
  signal: AbortSignal;
  progress: (progress: Progress) => void;
  /** Opens the channel again after it was lost, to say how the transfer ended. */
  reconnect: () => Promise<Channel>;
  journal: SourceJournal;
}

const maxAheadBytes = 2 ** 30;

type PodJob = Exclude<SendJob, { kind: 'environment' }>;
type Arrived = z.infer<typeof RunningNow>;

export async function sendPod(record: PodRecord, job: PodJob, channel: Channel, context: SendContext): Promise<TransferResult> {
  using lock = lockPod(record, job.kind === 'move' ? 'being moved' : 'being cloned');
  const steps = new Steps(context.progress, context.signal);
  const sending = new Sending(record, job, channel, context, steps);
  try {
    const result = await sending.run();
    if (job.kind === 'move') forgetLock(record, lock);
    return result;
  } catch (error) {
    const failure = await steps.undo(error);
    if (!sending.isCommitted) void tellAbort(channel, failure, context);
    throw failure;
  } finally {
    if (!sending.isCommitted) removeImages(record.id); // what was committed keeps them until the target runs it
  }
}

/** The target must hear that it ends here, or it would hold a restored copy and ask for ever. */
async function tellAbort(channel: Channel, failure: ZapError, context: SendContext): Promise<void> {
  if (channel.isOpen) {
    await channel.send({ type: 'failed', error: failure.toWire() }).catch(() => {});
    channel.close();
  }
  // A target whose helper has just died still looks open: the next helper there listens again. One that has undone its part does not.
  for (let attempt = 0; attempt < 20; attempt++) {
    try {
      const again = await context.reconnect();
      await again.send({ type: 'verdict', verdict: 'abort' });
      return again.close();
    } catch {
      await sleep(500);
    }
  }
}

class Sending {
  private readonly isClone: boolean;
  isCommitted = false;
  private maxPagesBytes = 0;
  private layerBytes = 0;
  private memoryBytes = 0;
  private frozenEpochMs = 0;
  private clockOffsetMs = 0;
  private arrived: Arrived | undefined;

  constructor(
    private readonly record: PodRecord,
    private readonly job: PodJob,
    private readonly channel: Channel,
    private readonly context: SendContext,
    private readonly steps: Steps,
  ) {
    this.isClone = job.kind === 'clone';
  }

  async run(): Promise<TransferResult> {
    const { record, steps } = this;
    const state = observe(record);
    if (state.kind !== 'running' && state.kind !== 'suspended') {
      throw new ZapError('pod/wrong-state', `POD "${record.name}" is ${state.kind}, so it cannot be ${this.isClone ? 'cloned' : 'moved'}.`, { hint: 'Only a running or a suspended POD can.', data: { pod: record.name, state: state.kind } });
    }
    await steps.run('offer', () => this.offer(state.kind === 'suspended'));
    if (!this.isClone) this.openJournal();
    const layer = new LayerSync(podPaths(record.id).layer, isRunning(record) ? { processes: () => namespaceMembers(record.state.init.pid) } : {});
    await steps.run('files', () => this.sendLayer(layer, 'first'));
    if (isRunning(record)) await this.sendRunning(layer);
    else await this.sendStored();
    const arrived = this.arrived!;
    if (!this.isClone) await steps.runAnyway('clean up', () => this.leave());
    for (const step of arrived.steps) steps.note(`target: ${step.name}`, step.ms);
    return {
      pod: arrived.pod,
      mode: state.kind === 'running' ? 'live' : 'stored',
      downtimeMs: this.isClone || state.kind !== 'running' ? 0 : Math.round((arrived.epochMs - this.clockOffsetMs - this.frozenEpochMs) * 10) / 10,
      totalMs: Math.round(steps.elapsedMs),
      bytes: { memory: this.memoryBytes, layer: this.layerBytes, sent: this.channel.sentBytes },
      steps: steps.done,
    };
  }

  private async offer(isStored: boolean): Promise<void> {
    const { record, channel, context } = this;
    const { demand } = await demandOf(record, context.environments, { isClone: this.isClone, willRun: this.job.kind === 'clone' || this.job.resume || !isStored, absentCpuFlags: this.job.absentCpuFlags });
    if (this.job.kind === 'clone') Object.assign(demand, { id: this.job.identity.id, name: this.job.identity.name, mac: this.job.identity.mac, network: this.job.identity.network, address: undefined });
    const offer: Offer = {
      type: 'offer',
      version: 1,
      transfer: context.journal.transfer,
      kind: this.job.kind,
      demand,
      owner: record.owner,
      command: record.command,
      user: record.user,
      hasDisplay: record.hasDisplay,
      createdAt: this.isClone ? new Date().toISOString() : record.createdAt,
      isStored,
    };
    await channel.send(offer);
    const accept = await channel.receive(Accept, context.signal);
    this.maxPagesBytes = accept.maxPagesBytes;
    if (accept.needsEnvironment) await sendEnvironment(record.environment.digest, channel, context);
    const sentMs = Date.now();
    await channel.send({ type: 'ping' });
    const pong = await channel.receive(Pong, context.signal);
    this.clockOffsetMs = pong.epochMs - (sentMs + Date.now()) / 2;
  }

  private openJournal(): void {
    const { record, steps, context } = this;
    const was = record.state;
    if (was.kind !== 'running' && was.kind !== 'suspended') throw new Error('unreachable');
    openJournal(context.journal);
    saveRecord({ ...record, state: { kind: 'leaving', transfer: context.journal.transfer, was } });
    steps.onUndo('take the POD back', () => {
      saveRecord(record);
      closeJournal(context.journal);
    });
  }

  private async sendLayer(layer: LayerSync, round: 'first' | 'again' | 'last'): Promise<void> {
    const { channel, steps } = this;
    const sink = channel.sink();
    let bytes = 0;
    const onBytes = (more: number): void => {
      bytes += more;
      if (round !== 'last') steps.progress({ phase: 'files', bytes });
    };
    if (round !== 'last') await channel.send({ type: 'layer' });
    if (round === 'first') await layer.first(sink, { onBytes, signal: this.context.signal });
    else await layer.delta(sink, { onBytes, isFinal: round === 'last', signal: this.context.signal });
    await sink.end();
    this.layerBytes += bytes;
  }

  /** The POD's memory while it runs, if there is room for it twice. */
  private async sendAhead(init: number): Promise<MemoryAhead> {
    const maxBytes = Math.min(this.maxPagesBytes, memoryFreeBytes() / 4, maxAheadBytes);
    if (inspectTree(init).totals.memoryBytes > maxBytes) return { store: new PageStore(0), map: new Map() };
    let bytes = 0;
    return await this.steps.run('memory', async () => {
      const ahead = await sendLivePages(init, this.channel, {
        maxBytes,
        signal: this.context.signal,
        onBytes: (more) => this.steps.progress({ phase: 'memory', bytes: (bytes += more) }),
      });
      await sendMemoryMap(ahead.map, this.channel);
      return ahead;
    });
  }

  private async prepareTarget(): Promise<void> {
    await this.channel.send({ type: 'prepare' });
    await this.channel.receive(Prepared, this.context.signal);
  }

  private async sendRunning(layer: LayerSync): Promise<void> {
    const { record, channel, steps, context } = this;
    if (!isRunning(record)) throw new Error('unreachable');
    const { images } = podPaths(record.id);
    const { init } = record.state;
    const ahead = await this.sendAhead(init.pid);
    makeImages(record.id);
    await using freeze = await Freeze.prepare(record, { images, isClone: this.isClone, isMemoryRead: true, steps });
    await steps.run('files again', () => this.sendLayer(layer, 'again'));
    await steps.run('prepare target', () => this.prepareTarget());
    context.signal.throwIfAborted();
    const startedMs = performance.now();
    const whileFrozen = async (since: Frozen): Promise<Verdict> => {
      this.frozenEpochMs = since.epochMs;
      steps.note('freeze and dump', performance.now() - startedMs);
      await steps.run('send memory', async () => {
        await memory!.known();
        await changes.end();
        const records = counted();
        const pagesBytes = await memory!.send(images, records);
        await records.end();
        const rest = counted();
        this.memoryBytes = pagesBytes + (await sendImages(images, rest, { signal: context.signal, isWanted: (name) => !isPagesFile(name) }));
        await rest.end();
      });
      await steps.run('send last files', () => this.sendLayer(layer, 'last'));
      if (this.isClone) return 'kill'; // of a clone's original CRIU kills nothing
      await steps.run('restore', () => channel.receive(Restored, context.signal));
      context.signal.throwIfAborted();
      await this.commit(init);
      return 'kill';
    };
    await channel.send({ type: 'checkpoint' });
    let bytes = 0;
    const counted = () => {
      const sink = channel.sink();
      const write = (chunk: Buffer): Promise<void> => {
        steps.progress({ phase: 'send memory', bytes: (bytes += chunk.length) });
        return sink.write(chunk);
      };
      return { write, end: () => sink.end() };
    };
    const changes = counted();
    let memory: FrozenMemory | undefined;
    const onFrozen = (): void => void (memory = new FrozenMemory(init.pid, ahead, changes, context.signal));
    try {
      const { frozen } = await freeze.freeze(whileFrozen, onFrozen);
      steps.note('freezing', frozen.freezingMs);
    } catch (error) {
      if (!this.isCommitted) {
        await memory?.abandon();
        throw error;
      } // behind the commit CRIU may stumble over the tree that is dead already
    }
    if (this.isClone) {
      await steps.run('restore', () => channel.receive(Restored, context.signal));
      await channel.send({ type: 'commit' });
      this.arrived = await channel.receive(RunningNow);
    } else this.arrived = await this.confirm();
  }

  private async sendStored(): Promise<void> {
    const { record, channel, steps, context } = this;
    const { checkpoint, images } = podPaths(record.id);
    const willRun = this.isClone || (this.job.kind === 'move' && this.job.resume);
    if (willRun) makeImages(record.id);
    if (willRun) await steps.run('verify and decrypt', () => openCheckpoint(checkpoint, images, { podId: record.id, key: this.job.key, signal: context.signal }));
    else requireParts(checkpoint, verifyManifest(checkpoint, record.id)); // the content's sums are for the target, which reads it anyway
    await steps.run('prepare target', () => this.prepareTarget());
    await steps.run('send memory', async () => {
      await channel.send({ type: 'checkpoint' });
      if (willRun) {
        for (let stream = 0; stream < 2; stream++) await channel.sink().end(); // nothing was sent ahead
        const rest = channel.sink();
        this.memoryBytes = await sendImages(images, rest, { signal: context.signal });
        await rest.end();
      } else await this.sendSealed(checkpoint);
      const nothing = channel.sink();
      await new LayerSync(podPaths(record.id).layer).first({ write: (chunk) => nothing.write(chunk) }, { isFinal: true });
      await nothing.end();
    });
    await steps.run('restore', () => channel.receive(Restored, context.signal));
    if (this.isClone) {
      await channel.send({ type: 'commit' });
      this.arrived = await channel.receive(RunningNow);
      return;
    }
    await this.commit(undefined);
    this.arrived = await this.confirm();
  }

  /** As it lies there, encrypted. */
  private async sendSealed(checkpoint: string): Promise<void> {
    let bytes = 0;
    const sink = this.channel.sink();
    await writeArchive(checkpoint, sink, { signal: this.context.signal, onBytes: (more) => this.steps.progress({ phase: 'send memory', bytes: (bytes += more) }) });
    await sink.end();
    this.memoryBytes = bytes;
  }

  /** The point of no return. The order is the protocol: promised on disk, dead here, and only then alive there. */
  private async commit(init: { pid: number; startTicks: number } | undefined): Promise<void> {
    const { context, steps, channel } = this;
    advanceJournal(context.journal, { phase: 'committed' }, { isDurable: true });
    steps.commit();
    this.isCommitted = true;
    if (init) process.kill(init.pid, 'SIGKILL'); // CRIU, which holds the tree, is told afterwards: by then nothing can revive it
    context.progress({ phase: 'commit', isCommitted: true });
    await channel.send({ type: 'commit' }).catch(() => {}); // said again in `confirm`
  }

  /** Waits until the target runs the POD; asks again over a new channel for as long as it takes. */
  private async confirm(): Promise<Arrived> {
    let channel = this.channel;
    for (let attempt = 0; ; attempt++) {
      try {
        if (attempt > 0) {
          channel = await this.context.reconnect();
          await channel.send({ type: 'verdict', verdict: 'commit' });
        }
        const arrived = await channel.receive(RunningNow);
        await channel.send({ type: 'heard' }).catch(() => {}); // the target may have gone, content
        return arrived;
      } catch (error) {
        if (attempt >= 120) {
          throw new ZapError('move/unconfirmed', `POD "${this.record.name}" was handed over, but the other host does not answer whether it runs.`, {
            hint: `Its checkpoint is kept here. When the other host is back: zap pod list; if the POD is lost there: zap pod recover ${this.record.name}`,
            cause: error,
          });
        }
        await sleep(Math.min(5000, 100 * 2 ** Math.min(attempt, 6)));
      }
    }
  }

  /** Everything of the POD leaves this host, and that is proved. */
  private async leave(): Promise<void> {
    const { record, context } = this;
    if (record.state.kind === 'running') await killNamespace(record.state.init);
    await destroyPod(record);
    closeJournal(context.journal);
    requireNothingLeft(record);
  }
}

export async function sendEnvironment(digest: string, channel: Channel, context: Pick<SendContext, 'environments' | 'signal' | 'progress'>): Promise<number> {
  const environment = await context.environments.get(digest);
  if (!environment) throw new ZapError('environment/unknown', `This host has no environment ${digest}.`);
  await channel.send({ type: 'environment', environment });
  const sink = channel.sink();
  let bytes = 0;
  await writeArchive(context.environments.treePath(environment.digest), sink, {
    signal: context.signal,
    onBytes: (more) => {
      bytes += more;
      context.progress({ phase: 'environment', bytes, totalBytes: environment.sizeBytes });
    },
  });
  await sink.end();
  await channel.receive(EnvironmentStored, context.signal);
  return bytes;
}
