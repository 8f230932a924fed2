/**
 * The sending side of a move or clone.
 *
 * Up to the commit everything is undone on failure and the POD runs on here; from the commit on nothing may fail it any more.
 */
import { ZapError } from '../protocol/errors';
import type { SendJob } from '../protocol/contract';
import type { Progress, TransferResult } from '../protocol/model';
import type { z } from 'zod';
import { Freeze, type Frozen, type Verdict } from '../checkpoint/freeze';
import { requireParts, verifyManifest } from '../checkpoint/manifest';
import { KeptMemory, newKeptKey } from '../checkpoint/kept-memory';
import { KnownContent } from '../checkpoint/page-content';
import { PageStore } from '../checkpoint/page-store';
import { openCheckpoint } from '../checkpoint/store';
import { Steps } from '../checkpoint/steps';
import { inspectTree } from '../criu/inspect';
import { writeArchive } from '../files/archive-write';
import type { EnvironmentStore } from '../files/environments';
import { LayerSync } from '../files/layer-sync';
import { makeImages, removeImages } from '../pod/images';
import { forgetLock, isRunning, loadRecord, lockPod, observe, podPaths, saveRecord, toPod, type PodRecord } from '../pod/record';
import { requireNothingLeft } from '../pod/remove';
import { memoryFreeBytes } from '../preflight/facts';
import { demandOf } from '../preflight/source';
import { reach } from '../system/fault-point';
import { pageBytes } from '../system/live-pages';
import { namespaceMembers } from '../system/process';
import { confirmAttempts, giveUpSaying, unconfirmed, untilAnswered } from './answer';
import type { Channel } from './channel';
import { stepSource, type SourceEvent, type SourceHands, type SourcePhase } from './commit';
import { sendImages } from './image-pack';
import { openJournal, type SourceJournal } from './journal';
import { leavingHands, treeOf } from './leaving';
import { FrozenMemory, isPagesFile } from './frozen-memory';
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

type PodJob = Exclude<SendJob, { kind: 'environment' }>;
type Arrived = z.infer<typeof RunningNow>;

export async function sendPod(record: PodRecord, job: PodJob, channel: Channel, context: SendContext): Promise<TransferResult> {
  using lock = lockPod(record, job.kind === 'move' ? 'being moved' : 'being cloned');
  const steps = new Steps(context.progress, context.signal, 'source');
  const sending = new Sending(record, job, channel, context, steps);
  try {
    return await sending.run();
  } catch (error) {
    if (!sending.isCommitted) throw await sending.giveUp(error);
    channel.close(); // whoever goes on with it opens its own
    throw error;
  } finally {
    if (!sending.isCommitted) removeImages(record.id); // what was committed keeps them until the target runs it
    if (!loadRecord(record.id)) forgetLock(record, lock);
  }
}

class Sending {
  private readonly isClone: boolean;
  /** Nothing before the offer was accepted; of a clone nothing at all. */
  private phase: SourcePhase | 'over' = 'over';
  private hands!: SourceHands;
  private sayOver: Channel | undefined;
  /** The target has all that it needs to stand there complete. */
  private mayHaveCopy = false;
  /** From here on only the protocol lets the POD run here again. */
  private isCommitting = false;
  isCommitted = false;
  private maxPagesBytes = 0;
  private known: KnownContent | undefined;
  private ahead: MemoryAhead | undefined;
  private layerBytes = 0;
  private memoryBytes = 0;
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
    for (const step of arrived.steps) steps.note(`target: ${step.name}`, step.ms);
    return {
      pod: arrived.pod,
      mode: state.kind === 'running' ? 'live' : 'stored',
      downtimeMs: this.isClone || state.kind !== 'running' ? 0 : Math.round((arrived.epochMs - this.clockOffsetMs - (this.frozen?.epochMs ?? 0)) * 10) / 10,
      totalMs: Math.round(steps.elapsedMs),
      bytes: { memory: this.memoryBytes, layer: this.layerBytes, sent: this.channel.sentBytes },
      steps: steps.done,
    };
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
      ...(this.isClone || record.keptKey === undefined ? {} : { keptKey: record.keptKey }),
    };
    await channel.send(offer);
    const accept = await channel.receive(Accept, context.signal);
    this.maxPagesBytes = accept.maxPagesBytes;
    if (accept.keptPages > 0) this.known = await receiveKnown(channel, Math.min(accept.keptPages, accept.maxPagesBytes / pageBytes));
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
    this.phase = 'open';
    const hands = leavingHands({ record: { ...record }, was, journal: context.journal, channel: () => this.sayOver });
    this.hands = {
      ...hands,
      freeze: async () => {
        this.isCommitting = true;
        await hands.freeze();
        if (this.frozen && !this.frozen.isHeld()) throw new ZapError('criu/died', 'CRIU ended while it held the frozen POD.');
      },
      'journal committed': async () => {
        await hands['journal committed']();
        this.isCommitted = true;
        steps.commit();
      },
      remove: () => steps.runAnyway('clean up', () => hands.remove()),
    };
    openJournal(context.journal);
    saveRecord({ ...record, state: { kind: 'leaving', transfer: context.journal.transfer, was } });
  }

  private async step(event: SourceEvent): Promise<void> {
    if (this.phase !== 'over') this.phase = await stepSource(this.phase, event, this.hands, (side, action) => reach(`${side} did: ${action}`));
  }

  /** Before the commit: the POD is here as it was, and the target hears of it. */
  async giveUp(cause: unknown): Promise<ZapError> {
    const failure = await this.steps.undo(cause);
    const { channel } = this;
    const tree = treeOf(loadRecord(this.record.id) ?? this.record, this.context.journal.transfer);
    // Killed while it stood there frozen: what the target has may be all there is.
    if (channel.isOpen && !(this.mayHaveCopy && tree === 'dead')) await channel.send({ type: 'failed', error: failure.toWire() }).catch(() => {});
    this.sayOver = undefined; // it was just said
    try {
      await this.step({ kind: 'failed', mayHaveCopy: this.mayHaveCopy, tree });
    } catch (problem) {
      return new ZapError(failure.code, failure.message, { hint: failure.hint, data: failure.data, evidence: [...(failure.evidence ?? []), (problem as Error).message], cause });
    }
    if (this.phase === 'given-up') void this.insist().catch(() => {}); // the next helper tries again
    else channel.close();
    return failure;
  }

  private async insist(): Promise<void> {
    const { channel, context } = this;
    const answer = await giveUpSaying({ first: channel, reconnect: context.reconnect, transfer: context.journal.transfer });
    this.sayOver = answer.over;
    await this.step(answer.event);
    answer.over?.close();
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
    let bytes = 0;
    return await this.steps.run('memory', async () => {
      const ahead = await sendLivePages(init, this.channel, {
        maxBytes,
        known: this.known,
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
    this.ahead = ahead;
    await steps.run('prepare target', () => this.prepareTarget());
    makeImages(record.id);
    await using freeze = await Freeze.prepare(record, { images, isClone: this.isClone, isMemoryRead: true, steps });
    await steps.run('files again', () => this.sendLayer(layer, 'again'));
    context.signal.throwIfAborted();
    channel.hurry();
    const whileFrozen = async (since: Frozen): Promise<Verdict> => {
      this.frozen = since;
      steps.note('freeze and dump', Date.now() - since.epochMs);
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
      await this.awaitRestored();
      await this.commit();
      return 'hold';
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
      const { frozen } = await freeze.freeze(whileFrozen, { onFrozen, isGivenAway: () => this.isCommitting });
      steps.note('freezing', frozen.freezingMs);
    } catch (error) {
      if (!this.isCommitted) {
        await memory?.abandon();
        throw error;
      } // behind the commit CRIU may stumble over the tree that is dead already
    }
    if (this.isClone) await this.letCloneRun();
    else this.arrived = await this.confirm();
  }

  private async awaitRestored(): Promise<void> {
    const { steps, channel, context } = this;
    this.mayHaveCopy = true;
    await steps.run('restore', () => channel.receive(Restored, context.signal)).catch((error: unknown) => {
      if (error instanceof ZapError && error.code !== 'move/channel-lost') this.mayHaveCopy = false; // it told us that it failed
      throw error;
    });
    context.signal.throwIfAborted();
  }

  private async letCloneRun(): Promise<void> {
    await this.awaitRestored();
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
    await this.awaitRestored();
    await this.commit();
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

  /** The point of no return. The order is the protocol's: promised on disk, dead here, and only then alive there. */
  private async commit(): Promise<void> {
    this.sayOver = this.channel;
    await this.step({ kind: 'ready' });
    this.context.progress({ phase: 'commit', isCommitted: true });
  }

  private get keepsMemory(): boolean {
    return this.job.kind === 'move' && this.job.keepMemory === true;
  }

  /** For its return. The move has ended well: nothing here may change that. */
  private async keepMemory(): Promise<void> {
    const { record, ahead } = this;
    if (ahead && record.keptKey !== undefined) await new KeptMemory().keep(record.id, record.keptKey, ahead.store).catch(() => {});
  }

  /** Waits until the target runs the POD, or says why it never will. */
  private async confirm(): Promise<Arrived> {
    const { record, context, channel } = this;
    const { event, over, arrived } = await untilAnswered('commit', {
      first: channel,
      reconnect: context.reconnect,
      transfer: context.journal.transfer,
      attempts: confirmAttempts,
      onDoubt: () => void this.hands.doubt(),
    }).catch((error: unknown) => {
      throw unconfirmed(record.name, error);
    });
    this.sayOver = over;
    await this.step(event);
    if (over !== channel) over?.close();
    if (event.kind === 'answered' && event.answer === 'running') {
      requireNothingLeft(record);
      if (this.keepsMemory) await this.steps.runAnyway('keep memory', () => this.keepMemory());
      return arrived ?? { type: 'running', epochMs: Date.now() + this.clockOffsetMs, pod: toPod(record), steps: [] };
    }
    if (this.phase === 'committed') throw unconfirmed(record.name);
    throw new ZapError('move/target-lost', `POD "${record.name}" was handed over, but the other host lost what it had received. It is here again.`, { hint: 'Try again when the other host is well.' });
  }
}

/** What the target says that it has. */
async function receiveKnown(channel: Channel, maxPages: number): Promise<KnownContent> {
  const known = new KnownContent();
  for await (const chunk of channel.chunks()) {
    known.add(chunk);
    if (known.count > maxPages) throw new ZapError('move/too-many-pages', 'The other host says that it has more memory of the POD than it has room for.');
  }
  return known;
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
