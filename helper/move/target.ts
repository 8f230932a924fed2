/**
 * The receiving side of a move or clone.
 *
 * It trusts nothing that it was told earlier: what the source offers is checked again here. Until the source's commit everything is taken apart on
 * failure; a restored POD waits, stopped, for as long as it takes to learn how the transfer ended.
 */
import { assertNever, ZapError } from '../protocol/errors';
import type { Pod, Progress } from '../protocol/model';
import { adoptCheckpoint, ArrivingSums, syncParts } from '../checkpoint/store';
import { Revival } from '../checkpoint/revive';
import { KeptMemory } from '../checkpoint/kept-memory';
import { PageStore } from '../checkpoint/page-store';
import { Steps } from '../checkpoint/steps';
import { rewriteForClone } from '../criu/images';
import { readArchive } from '../files/archive-read';
import type { EnvironmentStore } from '../files/environments';
import { shiftIds, type MapId } from '../files/id-shift';
import { newUidBase } from '../pod/identity';
import { makeImages } from '../pod/images';
import { makeLayer, writeIdentity } from '../pod/layer';
import { forgetLock, lockHost, lockPod } from '../pod/locks';
import { podPaths } from '../pod/paths';
import { loadRecord, saveRecord, toPod, type Caller, type PodRecord } from '../pod/record';
import { arrivingOwner } from '../pod/share';
import { requireAcceptable } from '../preflight/target';
import { memoryFreeBytes } from '../preflight/facts';
import { makeDirectories } from '../system/directories';
import { pageBytes } from '../system/live-pages';
import { reserveRoom } from './arriving';
import type { Channel } from './channel';
import { receiveEnvironment, takeEnvironment } from './environment';
import { openJournal, type TargetJournal } from './journal';
import { checkpointLimits, imageLimits, treeLimits } from './limits';
import { BeforeCheckpoint, FirstMessage, type Offer } from './messages';
import { receiveImages } from './image-pack';
import { prefillPages, receivePageFiles, type PrefilledPages } from './page-files';
import { receivePages } from './page-sync';
import { Takeover } from './takeover';
import { awaitVerdict } from './verdict';

export interface ReceiveContext {
  caller: Caller;
  transfer: string;
  key: string;
  port: number | null;
  environments: EnvironmentStore;
  signal: AbortSignal;
  progress: (progress: Progress) => void;
  nextChannel: (signal: AbortSignal) => Promise<Channel>;
}

/** Sees one transfer through; the POD that arrived, or nothing when it was an environment. */
export async function receiveTransfer(channel: Channel, context: ReceiveContext): Promise<Pod | null> {
  try {
    const first = await channel.receive(FirstMessage, context.signal);
    switch (first.type) {
      case 'environment-offer':
        await takeEnvironment(first, channel, context);
        return null;
      case 'offer':
        if (first.transfer !== context.transfer) throw new ZapError('move/protocol', 'The other host spoke of another transfer.');
        return await new Receiving(first, channel, context).run();
      case 'verdict':
        throw new ZapError('move/protocol', 'The other host spoke of a transfer that this one does not know.');
      default:
        return assertNever(first);
    }
  } catch (error) {
    const failure = ZapError.from(error);
    if (channel.isOpen) await channel.send({ type: 'failed', error: failure.toWire() }).catch(() => {});
    throw failure;
  } finally {
    channel.close();
  }
}

class Receiving {
  private readonly steps: Steps;
  private readonly isClone: boolean;
  private readonly willRun: boolean;
  private memoryFollows = false;
  private record!: PodRecord;
  private takeover!: Takeover;
  private revival: Revival | undefined;
  private readonly sums = new ArrivingSums();
  private prefilled: PrefilledPages | undefined;
  /** What the source sends ahead. It is given a quarter of the free memory: as much again become the images, and the processes. */
  private pages = new PageStore(Math.floor(memoryFreeBytes() / 4 / pageBytes));

  constructor(
    private readonly offer: Offer,
    private readonly channel: Channel,
    private readonly context: ReceiveContext,
  ) {
    this.steps = new Steps(context.progress, context.signal, 'target');
    this.isClone = offer.kind === 'clone';
    this.willRun = offer.demand.willRun;
  }

  async run(): Promise<Pod> {
    const { channel, context, steps } = this;
    const { needsEnvironment } = await this.admit();
    using lock = lockPod(this.record, this.isClone ? 'arriving as a clone' : 'arriving');
    try {
      await this.accept(needsEnvironment);
      if (needsEnvironment) await receiveEnvironment(channel, context);
      await this.receiveWhileRunning();
      await steps.run('receive memory', () => (this.willRun ? this.receiveImages() : this.receiveSealed()));
      await steps.run('receive last files', () => this.receiveLayer());
      if (this.isClone) await steps.run('new identity', () => this.assumeIdentity());
      await (this.willRun ? this.restore() : this.store());
      await this.takeover.step({ kind: 'ready' });
    } catch (error) {
      const failure = ZapError.from(error);
      await this.revival?.[Symbol.asyncDispose]();
      await this.takeover.step({ kind: 'failed' });
      forgetLock(this.record, lock);
      throw failure;
    }
    await this.conclude();
    if (loadRecord(this.record.id)) {
      if (!this.isClone) new KeptMemory().forget(this.record.id);
      return toPod(this.record);
    }
    forgetLock(this.record, lock);
    throw new ZapError('move/given-up', this.isClone ? 'The source gave the clone up.' : 'The source gave the move up; the POD runs on there.');
  }

  private async admit(): Promise<{ needsEnvironment: boolean }> {
    const { offer, channel, context, steps } = this;
    const { demand } = offer;
    using _host = await lockHost();
    const answer = await requireAcceptable(demand, context.environments);
    this.memoryFollows = (offer.memoryFollows ?? false) && answer.memoryFollows;
    this.record = {
      version: 1,
      id: demand.id,
      name: demand.name,
      owner: arrivingOwner(offer.owner, context.caller),
      sharedWith: [],
      environment: { digest: demand.environment.digest, name: demand.environment.name },
      network: demand.network,
      mac: demand.mac,
      uidBase: this.isClone ? newUidBase() : demand.uidBase,
      limits: demand.limits,
      command: offer.command,
      user: offer.user,
      hasDisplay: offer.hasDisplay,
      createdAt: offer.createdAt,
      ...(offer.keptKey === undefined || this.isClone ? {} : { keptKey: offer.keptKey }),
      state: { kind: 'arriving', transfer: context.transfer },
    };
    const journal: TargetJournal = { role: 'target', version: 1, transfer: context.transfer, pod: demand.id, phase: 'open', port: context.port, key: context.key, isClone: this.isClone };
    this.takeover = new Takeover({ record: this.record, journal, environments: context.environments, mapId: this.mapId, init: undefined, steps: () => steps.done }, 'open', channel);
    try {
      openJournal(journal);
      saveRecord(this.record);
      reserveRoom(this.record.id);
      makeLayer(this.record);
      if (this.willRun) makeImages(this.record.id);
    } catch (error) {
      await this.takeover.step({ kind: 'failed' });
      throw error;
    }
    return answer;
  }

  private async accept(needsEnvironment: boolean): Promise<void> {
    const { channel, offer, record, willRun } = this;
    const kept = offer.keptKey !== undefined && willRun ? await new KeptMemory().load(record.id, offer.keptKey, this.pages.maxPages) : undefined;
    if (kept) this.pages = kept.store;
    await channel.send({ type: 'accept', needsEnvironment, maxPagesBytes: this.pages.maxPages * pageBytes, keptPages: this.pages.count });
    if (!kept) return;
    const sink = channel.sink();
    await sink.write(kept.hashes);
    await sink.end();
  }

  private async receiveWhileRunning(): Promise<void> {
    const { channel, context, steps } = this;
    for (;;) {
      const message = await channel.receive(BeforeCheckpoint, context.signal);
      switch (message.type) {
        case 'layer':
          await steps.run('files', () => this.receiveLayer());
          break;
        case 'pages':
          await steps.run('memory', () => receivePages(channel.chunks(), this.pages));
          break;
        case 'memory-map':
          this.prefilled = await steps.run('memory', () => prefillPages(channel.chunks(), podPaths(this.record.id).images, this.pages, { maxBytes: memoryFreeBytes() / 2 }));
          break;
        case 'ping':
          await channel.send({ type: 'pong', epochMs: Date.now() });
          break;
        case 'prepare':
          await steps.run('prepare', async () => {
            if (this.willRun) this.revival = await Revival.prepare(this.record, context.environments, { isLazy: this.memoryFollows });
          });
          await channel.send({ type: 'prepared' });
          break;
        case 'checkpoint':
          return;
        default:
          assertNever(message);
      }
    }
  }

  private async receiveLayer(): Promise<void> {
    await readArchive(podPaths(this.record.id).layer, this.channel.chunks(), { signal: this.context.signal, mapId: this.mapId, limits: treeLimits() });
  }

  private get mapId(): MapId {
    return shiftIds(this.offer.demand.uidBase, this.record.uidBase);
  }

  private async receiveImages(): Promise<void> {
    const { context } = this;
    let bytes = 0;
    const limits = imageLimits();
    const { images } = podPaths(this.record.id);
    await receivePages(this.channel.chunks(), this.pages);
    await receivePageFiles(this.channel.chunks(), images, this.pages, limits, this.prefilled);
    this.pages = new PageStore(0); // the processes need the room
    await receiveImages(this.channel.chunks(), images, limits, (more) => context.progress({ phase: 'receive memory', bytes: (bytes += more) }));
  }

  /** A checkpoint that stays one: encrypted with a key that this host does not have. */
  private async receiveSealed(): Promise<void> {
    const { context } = this;
    const { checkpoint } = podPaths(this.record.id);
    makeDirectories(checkpoint, 0o700);
    let bytes = 0;
    await readArchive(checkpoint, this.channel.chunks(), {
      signal: context.signal,
      limits: checkpointLimits(),
      onBytes: (more) => context.progress({ phase: 'receive memory', bytes: (bytes += more) }),
      observer: this.sums,
    });
  }

  private assumeIdentity(): void {
    const { record } = this;
    rewriteForClone(podPaths(record.id).images, { hostIdBase: record.uidBase, hostName: record.name });
    writeIdentity(record);
  }

  private async restore(): Promise<void> {
    const { record, steps } = this;
    if (!this.revival) throw new ZapError('move/protocol', 'The other host sent a checkpoint before it was prepared for.');
    const make = () => steps.run('make processes', () => this.revival!.restore({ images: podPaths(record.id).images, isClone: this.isClone, mapId: this.mapId }));
    const { init, letRun } = await make().catch(async (error: unknown) => {
      if (!this.revival!.isLazy) throw error;
      // What only the memory that follows may have been the reason for: as ever, then.
      this.revival = await steps.run('prepare again', () => Revival.prepare(record, this.context.environments));
      return await make();
    });
    Object.assign(this.takeover.arriving, { init, letRun });
  }

  private async store(): Promise<void> {
    const { record, steps } = this;
    const { checkpoint } = podPaths(record.id);
    await steps.run('store', async () => {
      const { parts } = adoptCheckpoint(checkpoint, record.id, this.sums);
      await syncParts(checkpoint, parts); // the source removes its own as soon as it hears
    });
  }

  /** Waits for the source's word, acts on it, and tells. */
  private async conclude(): Promise<void> {
    const { context, steps, takeover } = this;
    const { arriving } = takeover;
    const word = await awaitVerdict(this.channel, {
      transfer: context.transfer,
      nextChannel: context.nextChannel,
      isClone: this.isClone,
      onDoubt: () => {
        context.progress({ phase: 'in doubt' });
        void takeover.hands.doubt();
      },
    });
    const committedMs = performance.now();
    if (word.verdict === 'commit') context.progress({ phase: 'commit', isCommitted: true });
    const letRun = arriving.letRun;
    if (letRun) {
      arriving.letRun = () => {
        const running = letRun();
        steps.note('resume', performance.now() - committedMs);
        return running;
      };
    }
    await takeover.obey(word);
  }
}
