/**
 * The receiving side of a move or clone.
 *
 * It trusts nothing that it was told earlier: what the source offers is checked again here. Until the source's commit everything is taken apart on
 * failure; a restored POD waits, stopped, for as long as it takes to learn how the transfer ended.
 */
import { mkdirSync, rmSync } from 'node:fs';
import type { z } from 'zod';
import { assertNever, ZapError } from '../protocol/errors';
import type { Pod, Progress, Step } from '../protocol/model';
import { maxParts, sizeOf } from '../checkpoint/manifest';
import { adoptCheckpoint, ArrivingSums, syncParts } from '../checkpoint/store';
import { Revival, type Revived } from '../checkpoint/revive';
import { PageStore } from '../checkpoint/page-store';
import { Steps } from '../checkpoint/steps';
import { rewriteForClone } from '../criu/images';
import { readArchive } from '../files/archive-read';
import type { EnvironmentStore } from '../files/environments';
import { shiftIds } from '../files/id-shift';
import { newUidBase } from '../pod/identity';
import { makeImages, removeImages } from '../pod/images';
import { makeLayer, writeIdentity } from '../pod/layer';
import { forgetLock, loadRecord, lockHost, lockPod, podPaths, saveRecord, toPod, type Caller, type PodRecord } from '../pod/record';
import { destroyPod } from '../pod/remove';
import { arrivingOwner } from '../pod/share';
import { requireAcceptable } from '../preflight/target';
import { diskFreeBytes, memoryFreeBytes } from '../preflight/facts';
import { pageBytes } from '../system/live-pages';
import type { ProcessIdentity } from '../system/process';
import type { Channel } from './channel';
import { advanceJournal, closeJournal, openJournal, type TargetJournal } from './journal';
import { BeforeCheckpoint, type EnvironmentOffer, EnvironmentStream, FirstMessage, Heard, type Offer } from './messages';
import { receiveImages } from './image-pack';
import { prefillPages, receivePageFiles, type PrefilledPages } from './page-stream';
import { receivePages } from './page-sync';
import { awaitCommit } from './verdict';

const maxTreeEntries = 20_000_000;
const heardTimeoutMs = 2000;

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
        await receiveEnvironment(first, channel, context);
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

async function receiveEnvironment(offer: z.infer<typeof EnvironmentOffer>, channel: Channel, context: ReceiveContext): Promise<void> {
  const isHere = (await context.environments.get(offer.environment.digest)) !== undefined;
  await channel.send({ type: 'accept', needsEnvironment: !isHere, maxPagesBytes: 0 });
  if (!isHere) await storeEnvironment(channel, context);
  const [name] = offer.environment.names;
  if (name !== undefined) await context.environments.name(offer.environment.digest, name);
}

async function storeEnvironment(channel: Channel, context: ReceiveContext): Promise<void> {
  const { environment } = await channel.receive(EnvironmentStream, context.signal);
  const [name] = environment.names;
  let bytes = 0;
  await context.environments.receive(environment.digest, channel.chunks(), {
    signal: context.signal,
    limits: treeLimits(),
    onBytes: (more) => context.progress({ phase: 'environment', bytes: (bytes += more), totalBytes: environment.sizeBytes }),
    ...(name === undefined ? {} : { name }),
  });
  await channel.send({ type: 'environment-stored' });
}

/** For files on the disk: as many as there is room for. */
function treeLimits(): { maxEntries: number; maxBytes: number } {
  return { maxEntries: maxTreeEntries, maxBytes: diskFreeBytes() };
}

class Receiving {
  private readonly steps: Steps;
  private readonly isClone: boolean;
  private readonly willRun: boolean;
  private record!: PodRecord;
  private journal!: TargetJournal;
  private revival: Revival | undefined;
  private answerOver: Channel | undefined;
  private readonly arriving = new ArrivingSums();
  /** What the source sends ahead. It is given a quarter of the free memory: as much again become the images, and the processes. */
  private prefilled: PrefilledPages | undefined;
  private pages = new PageStore(Math.floor(memoryFreeBytes() / 4 / pageBytes));

  constructor(
    private readonly offer: Offer,
    private readonly channel: Channel,
    private readonly context: ReceiveContext,
  ) {
    this.steps = new Steps(context.progress, context.signal);
    this.isClone = offer.kind === 'clone';
    this.willRun = offer.demand.willRun;
  }

  async run(): Promise<Pod> {
    const { channel, context, steps } = this;
    const { needsEnvironment } = await this.admit();
    using lock = lockPod(this.record, this.isClone ? 'arriving as a clone' : 'arriving');
    try {
      await channel.send({ type: 'accept', needsEnvironment, maxPagesBytes: this.pages.maxPages * pageBytes });
      if (needsEnvironment) await storeEnvironment(channel, context);
      await this.receiveWhileRunning();
      await steps.run('receive memory', () => (this.willRun ? this.receiveImages() : this.receiveSealed()));
      await steps.run('receive last files', () => this.receiveLayer());
      if (this.isClone) await steps.run('new identity', () => this.assumeIdentity());
      return this.willRun ? await this.revive() : await this.store();
    } catch (error) {
      const failure = await steps.undo(error);
      await this.revival?.[Symbol.asyncDispose]();
      if (!loadRecord(this.record.id)) forgetLock(this.record, lock);
      throw failure;
    }
  }

  private async admit(): Promise<{ needsEnvironment: boolean }> {
    const { offer, context, steps } = this;
    const { demand } = offer;
    using _host = await lockHost();
    const answer = await requireAcceptable(demand, context.environments);
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
      state: { kind: 'arriving', transfer: context.transfer },
    };
    this.journal = { role: 'target', version: 1, transfer: context.transfer, pod: demand.id, phase: 'open', port: context.port, key: context.key, isClone: this.isClone };
    openJournal(this.journal);
    saveRecord(this.record);
    steps.onUndo('remove the arriving POD', async () => {
      await destroyPod(this.record);
      closeJournal(this.journal);
    });
    makeLayer(this.record);
    if (this.willRun) makeImages(this.record.id);
    return answer;
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
            if (this.willRun) this.revival = await Revival.prepare(this.record, context.environments);
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
    const { offer, context, record } = this;
    const mapId = shiftIds(offer.demand.uidBase, record.uidBase);
    await readArchive(podPaths(record.id).layer, this.channel.chunks(), { signal: context.signal, mapId, limits: treeLimits() });
  }

  private async receiveImages(): Promise<void> {
    const { context } = this;
    let bytes = 0;
    const limits = { maxEntries: maxParts, maxBytes: memoryFreeBytes() };
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
    mkdirSync(checkpoint, { recursive: true, mode: 0o700 });
    let bytes = 0;
    await readArchive(checkpoint, this.channel.chunks(), {
      signal: context.signal,
      limits: { maxEntries: maxParts + 3, maxBytes: diskFreeBytes() },
      onBytes: (more) => context.progress({ phase: 'receive memory', bytes: (bytes += more) }),
      observer: this.arriving,
    });
  }

  private assumeIdentity(): void {
    const { record } = this;
    rewriteForClone(podPaths(record.id).images, { hostIdBase: record.uidBase, hostName: record.name });
    writeIdentity(record);
  }

  private async revive(): Promise<Pod> {
    const { record, steps } = this;
    if (!this.revival) throw new ZapError('move/protocol', 'The other host sent a checkpoint before it was prepared for.');
    let committedMs = 0;
    const startedMs = performance.now();
    const revived = await steps.runAnyway('restore and wait', () =>
      this.revival!.revive({
        images: podPaths(record.id).images,
        isClone: this.isClone,
        mapId: shiftIds(this.offer.demand.uidBase, record.uidBase),
        hold: async (init) => {
          const heldSinceMs = performance.now();
          steps.note('make processes', heldSinceMs - startedMs);
          await this.awaitCommit(steps.done, init);
          committedMs = performance.now();
        },
      }),
    );
    steps.note('resume', performance.now() - committedMs);
    this.settle(revived);
    await this.answer(revived.runningEpochMs);
    return toPod(record);
  }

  private async store(): Promise<Pod> {
    const { record, steps } = this;
    const { checkpoint, run } = podPaths(record.id);
    const manifest = await steps.run('store', async () => {
      const adopted = adoptCheckpoint(checkpoint, record.id, this.arriving);
      await syncParts(checkpoint, adopted.parts); // from the commit on, this is the POD
      return adopted;
    });
    await this.awaitCommit(steps.done, undefined);
    record.state = { kind: 'suspended', at: manifest.createdAt, sizeBytes: sizeOf(manifest) };
    saveRecord(record);
    steps.commit();
    this.settleJournal();
    rmSync(run, { recursive: true, force: true });
    await this.answer(Date.now());
    return toPod(record);
  }

  private async awaitCommit(done: readonly Step[], init: ProcessIdentity | undefined): Promise<void> {
    const { record, channel, context } = this;
    this.journal = advanceJournal(this.journal, { phase: 'restored', ...(init ? { init } : {}) }, { isDurable: false });
    await channel.send({ type: 'restored', steps: done.map((step) => ({ ...step })) });
    this.answerOver = await awaitCommit(channel, {
      podId: record.id,
      nextChannel: context.nextChannel,
      onDoubt: () => context.progress({ phase: 'in doubt' }),
    });
    context.progress({ phase: 'commit', isCommitted: true });
  }

  private settle(revived: Revived): void {
    const { record, steps } = this;
    record.state = revived.state;
    saveRecord(record);
    steps.commit();
    removeImages(record.id);
    this.settleJournal();
  }

  private settleJournal(): void {
    if (this.isClone) closeJournal(this.journal);
    else this.journal = advanceJournal(this.journal, { phase: 'settled' }, { isDurable: false });
  }

  /** What the source must hear before anybody forgets this transfer; what it did not hear now, it asks for later (`recover`). */
  private async answer(epochMs: number): Promise<void> {
    const { answerOver: over, isClone, journal, record, steps } = this;
    if (!over) return;
    try {
      await over.send({ type: 'running', epochMs, pod: toPod(record), steps: steps.done });
      if (isClone) return; // its journal is closed: the original never left
      await over.receive(Heard, AbortSignal.timeout(heardTimeoutMs));
      closeJournal(journal);
    } catch {
      // the journal stays, and with it the answer
    }
  }
}
