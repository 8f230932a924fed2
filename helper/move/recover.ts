/**
 * Putting right what a crash has left, each time a helper starts.
 *
 * Whatever is locked has a living helper and is none of our business. The rest is decided by the journals alone, in two parts: `local` before anything
 * else happens here, `remote` (which has to ask the other host) meanwhile.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ZapError } from '../protocol/errors';
import type { Seal } from '../protocol/model';
import { Revival } from '../checkpoint/revive';
import { storeCheckpoint } from '../checkpoint/store';
import { endedInCheckpoint, settleSuspended } from '../checkpoint/suspend';
import { findCriu, formatVersion } from '../criu/features';
import type { EnvironmentStore } from '../files/environments';
import { announce, connect, planLink } from '../network/pod-link';
import { removeImages } from '../pod/images';
import { forgetLock, isRunning, listRecords, loadRecord, podPaths, saveRecord, toPod, type PodRecord } from '../pod/record';
import { destroyPod, dismantle } from '../pod/remove';
import { freezeGroup } from '../system/cgroup';
import { Lock } from '../system/lock';
import { bootId, isAlive } from '../system/process';
import { ChannelListener, connectChannel, type Channel } from './channel';
import { advanceJournal, closeJournal, readJournals, type JournalEntry, type SourceJournal, type TargetJournal } from './journal';
import { FirstMessage, Heard, RunningNow, type Verdict } from './messages';
import { awaitCommit, untilAborted } from './verdict';

const remoteAttempts = 30;
const givenUpAttempts = 5;
const lateAnswerMs = 10_000;
/** A source that was not heard of for so long is not waited for. */
const forgetAnswerMs = 7 * 86_400_000;
const remotePauseMs = 1000;

export interface Recovery {
  local: Promise<void>;
  remote: Promise<void>;
}

export function recoverHost(environments: EnvironmentStore, log: (line: string) => void): Recovery {
  const remoteJobs: (() => Promise<void>)[] = [];
  const complain = (what: string) => (error: unknown) => log(`${what}: ${ZapError.from(error).message}`);
  const local = (async () => {
    await environments.recover();
    for (const entry of readJournals()) {
      const lock = Lock.try(podPaths(entry.pod).lock);
      if (!lock) continue;
      const later = await recoverTransfer(entry).catch(complain(`transfer ${entry.transfer}`));
      if (!later?.isExclusive) release(lock, entry.pod);
      if (later) remoteJobs.push(() => later.run(environments).catch(complain(`transfer ${entry.transfer}`)).finally(() => (later.isExclusive ? release(lock, entry.pod) : undefined)));
    }
    for (const record of listRecords()) await recoverRecord(record).catch(complain(`POD ${record.name}`));
  })();
  const remote = local.then(async () => void (await Promise.all(remoteJobs.map((job) => job()))));
  return { local, remote };
}

/** A POD that recovery has removed leaves no lock behind either. */
function release(lock: Lock, podId: string): void {
  if (loadRecord(podId)) lock[Symbol.dispose]();
  else forgetLock({ id: podId }, lock);
}

/** What needs the other host. */
interface Later {
  run: (environments: EnvironmentStore) => Promise<void>;
  /** Nobody else may touch the POD meanwhile. */
  isExclusive: boolean;
}

/** What can be done at once is done; the rest is returned. */
async function recoverTransfer(entry: JournalEntry): Promise<Later | undefined> {
  const record = loadRecord(entry.pod);
  if (!record) return void closeJournal(entry);
  if (entry.role === 'source') {
    if (entry.phase === 'committed') return { run: () => finishLeaving(record, entry), isExclusive: true };
    await takeBack(record, entry);
    return { run: () => tellGivenUp(entry), isExclusive: false };
  }
  // Let go by a helper that could not write that down any more.
  if (record.state.kind === 'arriving' && entry.init && isAlive(entry.init) && !freezeGroup(record.id)) settleRunning(record, entry);
  if (record.state.kind !== 'arriving') return entry.isClone ? void closeJournal(entry) : { run: () => answerLate(record, entry), isExclusive: false };
  if (entry.phase === 'open') {
    await destroyPod(record);
    return void closeJournal(entry);
  }
  return { run: (environments) => waitInDoubt(record, entry, environments), isExclusive: true };
}

/** The transfer never came to its commit: the POD is here, as it was. */
async function takeBack(record: PodRecord, entry: SourceJournal): Promise<void> {
  if (record.state.kind !== 'leaving' || record.state.transfer !== entry.transfer) return;
  record.state = record.state.was;
  saveRecord(record);
  if (!isRunning(record)) return;
  rmSync(join(podPaths(record.id).run, 'freezing'), { force: true });
  connect(await planLink(record), record.state.init.pid);
}

/** The target may hold a restored copy that waits for a word; one that has nothing does not listen any more. */
async function tellGivenUp(entry: SourceJournal): Promise<void> {
  for (let attempt = 0; entry.peer !== 'relay' && attempt < givenUpAttempts; attempt++) {
    try {
      const channel = await connectChannel(entry.peer, Buffer.from(entry.key, 'hex'), entry.transfer);
      await channel.send({ type: 'verdict', verdict: 'abort' });
      channel.close();
      break;
    } catch {
      await sleep(remotePauseMs);
    }
  }
  closeJournal(entry);
}

async function finishLeaving(record: PodRecord, entry: SourceJournal): Promise<void> {
  const was = record.state.kind === 'leaving' ? record.state.was : record.state;
  if (was.kind === 'running' && isAlive(was.init)) process.kill(was.init.pid, 'SIGKILL');
  const { peer } = entry;
  if (peer === 'relay') throw new ZapError('move/unconfirmed', 'It was handed over through the desktop, and nobody said whether it runs.', { hint: `zap pod recover ${record.name}` });
  for (let attempt = 0; ; attempt++) {
    try {
      const channel = await connectChannel(peer, Buffer.from(entry.key, 'hex'), entry.transfer);
      await channel.send({ type: 'verdict', verdict: 'commit' });
      await channel.receive(RunningNow);
      await channel.send({ type: 'heard' }).catch(() => {}); // the target may have gone, content
      channel.close();
      break;
    } catch (error) {
      if (attempt >= remoteAttempts) throw error;
      await sleep(remotePauseMs);
    }
  }
  await destroyPod(record);
  closeJournal(entry);
}

/** Ours by the source's word: let go if its processes still stand there frozen, else made again from the same images. */
async function reviveArrived(record: PodRecord, entry: TargetJournal, environments: EnvironmentStore): Promise<void> {
  if (entry.init && isAlive(entry.init)) {
    const link = await planLink(record);
    connect(link, entry.init.pid);
    freezeGroup(record.id, false);
    announce(link, entry.init.pid);
    return settleRunning(record, entry);
  }
  const { images } = podPaths(record.id);
  if (!existsSync(images)) throw new ZapError('move/images-gone', `The host was restarted: what had arrived of POD "${record.name}" is gone.`, { hint: 'The source keeps its checkpoint until it hears that the POD runs here.' });
  await dismantle(record, undefined);
  await using revival = await Revival.prepare(record, environments);
  const { state } = await revival.revive({ images, isClone: entry.isClone, hold: async () => {} });
  settleRunning(record, { ...entry, init: state.init });
}

function settleRunning(record: PodRecord, entry: TargetJournal): void {
  record.state = { kind: 'running', init: entry.init!, bootId: bootId(), since: new Date().toISOString() };
  saveRecord(record);
  removeImages(record.id);
  if (entry.isClone) closeJournal(entry);
  else advanceJournal(entry, { phase: 'settled' }, { isDurable: false });
}

/** The source may not have heard that the POD is here. It asks, should it ever come back; a question that does not come now may when the next helper starts. */
async function answerLate(record: PodRecord, entry: TargetJournal): Promise<void> {
  const { state } = record;
  const sinceMs = Date.parse(state.kind === 'running' ? state.since : state.kind === 'suspended' ? state.at : '');
  if (entry.port === null || !(Date.now() - sinceMs < forgetAnswerMs)) return closeJournal(entry);
  using listener = await ChannelListener.listen(Buffer.from(entry.key, 'hex'), entry.transfer, entry.port);
  const signal = AbortSignal.timeout(lateAnswerMs);
  while (!signal.aborted) {
    const over = await listener.accept(signal).catch(() => undefined);
    const question = await over?.receive(FirstMessage, signal).catch(() => undefined);
    if (over && question?.type === 'verdict' && (await tellRunning(over, record, entry))) return;
    over?.destroy();
  }
}

/** For a transfer that has just ended here, and whose source went away before it heard so. */
export async function answerUnheard(transfer: string): Promise<void> {
  const entry = readJournals().find((candidate): candidate is TargetJournal => candidate.role === 'target' && candidate.transfer === transfer && candidate.phase === 'settled');
  const record = entry && loadRecord(entry.pod);
  if (record) await answerLate(record, entry);
}

async function tellRunning(over: Channel, record: PodRecord, entry: TargetJournal): Promise<boolean> {
  try {
    await over.send({ type: 'running', epochMs: Date.now(), pod: toPod(record), steps: [] });
    await over.receive(Heard, AbortSignal.timeout(lateAnswerMs));
  } catch {
    return false; // it asks again
  }
  closeJournal(entry);
  return true;
}

async function waitInDoubt(record: PodRecord, entry: TargetJournal, environments: EnvironmentStore): Promise<void> {
  using listener = entry.port === null ? undefined : await ChannelListener.listen(Buffer.from(entry.key, 'hex'), entry.transfer, entry.port);
  try {
    const over = await awaitCommit(undefined, { podId: record.id, nextChannel: (signal) => listener?.accept(signal) ?? untilAborted(signal), onDoubt: () => {} });
    await reviveArrived(record, entry, environments);
    if (over) await tellRunning(over, record, entry);
  } catch (error) {
    if (!(error instanceof ZapError) || error.code !== 'move/given-up') throw error;
    if (entry.init) await dismantle(record, entry.init);
    await destroyPod(record);
    closeJournal(entry);
  }
}

/**
 * A person's decision about a POD that was handed over without an answer. To run it here it first becomes what is left of it: a suspended POD.
 */
export async function decideForSource(record: PodRecord, verdict: Verdict, seal: Seal | undefined): Promise<boolean> {
  const entry = readJournals().find((candidate): candidate is SourceJournal => candidate.role === 'source' && candidate.pod === record.id && candidate.phase === 'committed');
  if (!entry || record.state.kind !== 'leaving') return false;
  using lock = Lock.try(podPaths(record.id).lock);
  if (!lock) throw new ZapError('pod/busy', `The other host is still being asked about POD "${record.name}".`, { hint: 'Try again in a minute.' });
  const { was } = record.state;
  if (verdict === 'abort') {
    await destroyPod(record);
    closeJournal(entry);
    forgetLock(record, lock);
    return true;
  }
  const { checkpoint, images } = podPaths(record.id);
  if (was.kind === 'running') {
    if (!existsSync(images)) throw new ZapError('checkpoint/missing', `The checkpoint of POD "${record.name}" is gone: this host was restarted meanwhile.`, { hint: 'Its files are kept; if it runs on the other host, discard it here.' });
    if (!seal) throw new ZapError('checkpoint/key-needed', `What is left of POD "${record.name}" is in memory; a key is needed to store it.`, { hint: 'Use a version of Zap that knows encrypted checkpoints.' });
    settleSuspended(record, await storeCheckpoint(images, checkpoint, { podId: record.id, criuVersion: formatVersion((await findCriu()).version), init: null, seal }));
    await dismantle(record, was.init);
    removeImages(record.id);
  } else {
    record.state = was;
    saveRecord(record);
  }
  closeJournal(entry);
  return true;
}

/** States that need no other host: a suspend that was cut off after the kill, a creation that was never finished. */
async function recoverRecord(record: PodRecord): Promise<void> {
  const lock = Lock.try(podPaths(record.id).lock);
  if (!lock) return;
  try {
    const now = loadRecord(record.id);
    if (!now) return;
    if (now.state.kind === 'creating') return void (await destroyPod(now));
    const { checkpoint, run } = podPaths(now.id);
    const manifest = endedInCheckpoint(now);
    if (manifest) {
      settleSuspended(now, manifest);
      removeImages(now.id);
      return void (await dismantle(now, undefined));
    }
    if (now.state.kind === 'suspended' || now.state.kind === 'running') removeImages(now.id); // of a suspend or resume that was cut off
    if (!isRunning(now)) return;
    rmSync(checkpoint, { recursive: true, force: true });
    if (existsSync(join(run, 'freezing'))) {
      rmSync(join(run, 'freezing'), { force: true });
      connect(await planLink(now), now.state.init.pid);
    }
    if (freezeGroup(now.id)) freezeGroup(now.id, false);
  } finally {
    release(lock, record.id);
  }
}
