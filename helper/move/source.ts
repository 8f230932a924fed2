/** The sending side of a move or clone: what is sent, in which order. */
import { ZapError } from '../protocol/errors';
import type { SendJob } from '../protocol/contract';
import type { TransferResult } from '../protocol/model';
import type { z } from 'zod';
import { Freeze, type Frozen, type Verdict } from '../checkpoint/freeze';
import { requireParts, verifyManifest } from '../checkpoint/manifest';
import { KeptMemory, newKeptKey } from '../checkpoint/kept-memory';
import type { KnownContent } from '../checkpoint/page-content';
import { PageStore } from '../checkpoint/page-store';
import { openCheckpoint } from '../checkpoint/store';
import { Steps } from '../checkpoint/steps';
import { WriteTracking } from '../checkpoint/write-tracking';
import { isFilling, whenFilled } from '../criu/filling';
import { inspectTree } from '../criu/inspect';
import { writeArchive } from '../files/archive-write';
import type { EnvironmentStore } from '../files/environments';
import { LayerSync } from '../files/layer-sync';
import { makeImages, removeImages } from '../pod/images';
import { forgetLock, lockPod } from '../pod/locks';
import { fillingOf, podPaths } from '../pod/paths';
import { isRunning, loadRecord, observe, toPod, type PodRecord } from '../pod/record';
import { memoryFreeBytes } from '../preflight/facts';
import { demandOf } from '../preflight/source';
import { pageBytes } from '../system/live-pages';
import { namespaceMembers } from '../system/process';
import type { Channel, ChannelSink } from './channel';
import { sendEnvironment } from './environment';
import { FrozenMemory, isPagesFile } from './frozen-memory';
import { Handover, type HandoverContext } from './handover';
import { sendImages } from './image-pack';
import { Accept, Pong, Prepared, RunningNow, type Offer } from './messages';
import { receiveKnown, sendLivePages, sendMemoryMap, sendRound, type MemoryAhead } from './page-sync';

export interface SendContext extends HandoverContext {
  environments: EnvironmentStore;
}

type PodJob = Exclude<SendJob, { kind: 'environment' }>;
type Arrived = z.infer<typeof RunningNow>;

export async function sendPod(record: PodRecord, job: PodJob, channel: Channel, context: SendContext): Promise<TransferResult> {
  using lock = lockPod(record, job.kind === 'move' ? 'being moved' : 'being cloned');
  const steps = new Steps(context.progress, context.signal, 'source');
  const sending = new Sending(record, job, channel, context, steps);
  try {
    return await sending.run();
  } catch (error) {
    if (!sending.handover.isCommitted) throw await sending.handover.giveUp(error);
    channel.close(); // whoever goes on with it opens its own
    throw error;
  } finally {
    sending.endTracking();
    if (!sending.handover.isCommitted) removeImages(record.id); // what was committed keeps them until the target runs it
    if (!loadRecord(record.id)) forgetLock(record, lock);
  }
}

class Sending {
  private readonly isClone: boolean;
  readonly handover: Handover;
  private maxPagesBytes = 0;
  private known: KnownContent | undefined;
  private ahead: MemoryAhead | undefined;
  private layerBytes = 0;
  private aheadBytes = 0;
  private memoryBytes = 0;
  private comparedBytes = 0;
  private tracking: WriteTracking | undefined;
  private frozen: Frozen | undefined;
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
    this.handover = new Handover(record, channel, context, steps);
  }

  async run(): Promise<TransferResult> {
    const { record, steps } = this;
    const state = observe(record);
    if (state.kind !== 'running' && state.kind !== 'suspended') {
      throw new ZapError('pod/wrong-state', `POD "${record.name}" is ${state.kind}, so it cannot be ${this.isClone ? 'cloned' : 'moved'}.`, { hint: 'Only a running or a suspended POD can.', data: { pod: record.name, state: state.kind } });
    }
    await steps.run('offer', () => this.offer(state.kind === 'suspended'));
    if (!this.isClone) this.handover.open(() => this.frozen?.isHeld() ?? true);
    const layer = new LayerSync(podPaths(record.id).layer, isRunning(record) ? { processes: () => namespaceMembers(record.state.init.pid) } : {});
    await steps.run('files', () => this.sendLayer(layer, 'first'));
    if (isRunning(record)) await this.sendRunning(layer);
    else await this.sendStored();
    const arrived = this.arrived!;
    for (const step of arrived.steps) steps.note(`target: ${step.name}`, step.ms);
    return {
      pod: arrived.pod,
      mode: state.kind === 'running' ? 'live' : 'stored',
      downtimeMs: this.isClone || state.kind !== 'running' ? 0 : Math.round((arrived.epochMs - this.clockOffsetMs - (this.frozen?.epochMs ?? 0)) * 10) / 10,
      totalMs: Math.round(steps.elapsedMs),
      bytes: { memory: this.memoryBytes, layer: this.layerBytes, sent: this.channel.sentBytes },
      steps: steps.done,
      ...(this.tracking ? { tracking: { ...this.tracking.report, comparedBytes: this.comparedBytes } } : {}),
    };
  }

  /** Not before the POD's processes here have ended, or run again: giving up what is tracked takes 40 ms for each gigabyte. */
  endTracking(): void {
    this.tracking?.[Symbol.dispose]();
  }

  private async offer(isStored: boolean): Promise<void> {
    const { record, channel, context } = this;
    const { demand } = await demandOf(record, context.environments, { isClone: this.isClone, willRun: this.job.kind === 'clone' || this.job.resume || !isStored, absentCpuFlags: this.job.absentCpuFlags });
    if (this.keepsMemory) record.keptKey ??= newKeptKey();
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
      ...(this.job.memoryFollows ? { memoryFollows: true } : {}),
      ...(this.isClone || record.keptKey === undefined ? {} : { keptKey: record.keptKey }),
    };
    await channel.send(offer);
    const accept = await channel.receive(Accept, context.signal);
    this.maxPagesBytes = accept.maxPagesBytes;
    if (accept.keptPages > 0) this.known = await receiveKnown(channel.chunks(), Math.min(accept.keptPages, accept.maxPagesBytes / pageBytes));
    if (accept.needsEnvironment) await sendEnvironment(record.environment.digest, channel, context);
    const sentMs = Date.now();
    await channel.send({ type: 'ping' });
    const pong = await channel.receive(Pong, context.signal);
    this.clockOffsetMs = pong.epochMs - (sentMs + Date.now()) / 2;
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
    const maxBytes = Math.min(this.maxPagesBytes, memoryFreeBytes() / 4);
    if (inspectTree(init).totals.memoryBytes > maxBytes) return { store: new PageStore(0), map: new Map() };
    this.tracking = WriteTracking.begin(init);
    return await this.steps.run('memory', async () => {
      const ahead = await sendLivePages(init, this.channel, { maxBytes, known: this.known, tracking: this.tracking, ...this.roundOptions });
      await sendMemoryMap(ahead.map, this.channel);
      return ahead;
    });
  }

  private get roundOptions(): { signal: AbortSignal; onBytes: (bytes: number) => void } {
    return { signal: this.context.signal, onBytes: (more) => this.steps.progress({ phase: 'memory', bytes: (this.aheadBytes += more) }) };
  }

  private async prepareTarget(): Promise<void> {
    await this.channel.send({ type: 'prepare' });
    await this.channel.receive(Prepared, this.context.signal);
  }

  private async sendRunning(layer: LayerSync): Promise<void> {
    const { record, channel, steps, context, handover } = this;
    if (!isRunning(record)) throw new Error('unreachable');
    const { images, filling } = podPaths(record.id);
    const { init } = record.state;
    if (isFilling(filling)) await steps.run('memory of the last move', () => whenFilled(fillingOf(record.id), context.signal));
    const ahead = await this.sendAhead(init.pid);
    this.ahead = ahead;
    await steps.run('prepare target', () => this.prepareTarget());
    makeImages(record.id);
    await using freeze = await Freeze.prepare(record, { images, isClone: this.isClone, isMemoryRead: true, steps });
    await steps.run('files again', () => this.sendLayer(layer, 'again'));
    if (this.tracking && this.tracking.tracked.size > 0) await steps.run('memory again', () => sendRound(init.pid, channel, ahead, { ...this.roundOptions, isLast: true }));
    context.signal.throwIfAborted();
    channel.hurry();
    await channel.send({ type: 'checkpoint' });
    const open = this.countedSinks('send memory');
    const changes = open();
    let memory: FrozenMemory | undefined;
    const whileFrozen = async (since: Frozen): Promise<Verdict> => {
      this.frozen = since;
      steps.note('freeze and dump', Date.now() - since.epochMs);
      await steps.run('send memory', async () => {
        await memory!.known();
        await changes.end();
        await this.sendCheckpoint(memory!, images, open);
      });
      await steps.run('send last files', () => this.sendLayer(layer, 'last'));
      if (this.isClone) return 'kill'; // of a clone's original CRIU kills nothing
      await handover.awaitRestored();
      await handover.commit();
      return 'hold';
    };
    try {
      const { frozen } = await freeze.freeze(whileFrozen, {
        onFrozen: () => void (memory = new FrozenMemory(init.pid, ahead, changes, context.signal)),
        isGivenAway: () => handover.isCommitting,
      });
      steps.note('freezing', frozen.freezingMs);
      this.comparedBytes = (memory?.comparedPages ?? 0) * pageBytes;
    } catch (error) {
      if (!handover.isCommitted) {
        await memory?.abandon();
        throw error;
      } // behind the commit CRIU may stumble over the tree that is dead already
    }
    await (this.isClone ? this.letCloneRun() : this.confirm());
  }

  private async sendCheckpoint(memory: FrozenMemory, images: string, open: () => ChannelSink): Promise<void> {
    const records = open();
    const pagesBytes = await memory.send(images, records);
    await records.end();
    const rest = open();
    this.memoryBytes = pagesBytes + (await sendImages(images, rest, { signal: this.context.signal, isWanted: (name) => !isPagesFile(name) }));
    await rest.end();
  }

  /** Streams whose bytes are counted together, as progress of that step. */
  private countedSinks(phase: string): () => ChannelSink {
    let bytes = 0;
    return () => {
      const sink = this.channel.sink();
      const write = (chunk: Buffer): Promise<void> => {
        this.steps.progress({ phase, bytes: (bytes += chunk.length) });
        return sink.write(chunk);
      };
      return { write, end: () => sink.end() };
    };
  }

  private async letCloneRun(): Promise<void> {
    await this.handover.awaitRestored();
    await this.channel.send({ type: 'verdict', verdict: 'commit' });
    this.arrived = await this.channel.receive(RunningNow);
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
    if (this.isClone) return this.letCloneRun();
    await this.handover.awaitRestored();
    await this.handover.commit();
    await this.confirm();
  }

  /** As it lies there, encrypted. */
  private async sendSealed(checkpoint: string): Promise<void> {
    let bytes = 0;
    const sink = this.channel.sink();
    await writeArchive(checkpoint, sink, { signal: this.context.signal, onBytes: (more) => this.steps.progress({ phase: 'send memory', bytes: (bytes += more) }) });
    await sink.end();
    this.memoryBytes = bytes;
  }

  private get keepsMemory(): boolean {
    return this.job.kind === 'move' && this.job.keepMemory === true;
  }

  /** For its return. The move has ended well: nothing here may change that. */
  private async keepMemory(): Promise<void> {
    const { record, ahead } = this;
    if (ahead && record.keptKey !== undefined) await new KeptMemory().keep(record.id, record.keptKey, ahead.store).catch(() => {});
  }

  private async confirm(): Promise<void> {
    const arrived = await this.handover.confirm();
    if (this.keepsMemory) await this.steps.runAnyway('keep memory', () => this.keepMemory());
    this.arrived = arrived ?? { type: 'running', epochMs: Date.now() + this.clockOffsetMs, pod: toPod(this.record), steps: [] };
  }
}
