/**
 * Putting right what a crash has left, each time a helper starts.
 *
 * Whatever is locked has a living helper and is none of our business. The rest is decided by the journals alone, in two parts: `local` before anything
 * else happens here, `remote` (which has to ask the other host) meanwhile.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ZapError } from '../protocol/errors';
import { endedInCheckpoint, settleSuspended } from '../checkpoint/suspend';
import { Revival } from '../checkpoint/revive';
import type { EnvironmentStore } from '../files/environments';
import { connect, planLink } from '../network/pod-link';
import { isRunning, listRecords, loadRecord, podPaths, saveRecord, toPod, type PodRecord } from '../pod/record';
import { destroyPod, dismantle } from '../pod/remove';
import { freezeGroup } from '../system/cgroup';
import { Lock } from '../system/lock';
import { bootId, isAlive } from '../system/process';
import { ChannelListener, connectChannel } from './channel';
import { closeJournal, readJournals, writeJournal, type JournalEntry } from './journal';
import { RunningNow } from './messages';
import { awaitCommit } from './verdict';

type SourceJournal = Extract<JournalEntry, { role: 'source' }>;
type TargetJournal = Extract<JournalEntry, { role: 'target' }>;
const remoteAttempts = 30;
const remotePauseMs = 1000;

export interface Recovery {
  local: Promise<void>;
  remote: Promise<void>;
}

export function recoverHost(environments: EnvironmentStore, log: (line: string) => void): Recovery {
  const remoteJobs: (() => Promise<void>)[] = [];
  const local = (async () => {
    await environments.recover();
    for (const entry of readJournals()) {
      const lock = Lock.try(podPaths(entry.pod).lock);
      if (!lock) continue;
      let isHeld = false;
      try {
        const remote = await recoverTransfer(entry, environments);
        if (remote) {
          isHeld = true;
          remoteJobs.push(() => remote().catch((error: unknown) => log(`transfer ${entry.transfer}: ${ZapError.from(error).message}`)).finally(() => release(lock, entry.pod)));
        }
      } catch (error) {
        log(`transfer ${entry.transfer}: ${ZapError.from(error).message}`);
      } finally {
        if (!isHeld) release(lock, entry.pod);
      }
    }
    for (const record of listRecords()) await recoverRecord(record).catch((error: unknown) => log(`POD ${record.name}: ${ZapError.from(error).message}`));
  })();
  const remote = local.then(async () => void (await Promise.all(remoteJobs.map((job) => job()))));
  return { local, remote };
}

/** A POD that recovery has removed leaves no lock behind either. */
function release(lock: Lock, podId: string): void {
  if (loadRecord(podId)) return lock[Symbol.dispose]();
  rmSync(`${podPaths(podId).lock}.holder`, { force: true });
  lock.remove();
}

async function recoverTransfer(entry: JournalEntry, environments: EnvironmentStore): Promise<(() => Promise<void>) | undefined> {
  const record = loadRecord(entry.pod);
  if (!record) return void closeJournal(entry);
  if (entry.role === 'source') {
    if (entry.phase === 'committed') return () => finishLeaving(record, entry);
    await takeBack(record);
    closeJournal(entry);
    return undefined;
  }
  switch (entry.phase) {
    case 'open':
      await destroyPod(record);
      return void closeJournal(entry);
    case 'committed':
      await reviveArrived(record, entry, environments);
      return undefined;
    case 'restored':
      return () => waitInDoubt(record, entry, environments);
  }
}

/** The transfer never came to its commit: the POD is here, as it was. */
async function takeBack(record: PodRecord): Promise<void> {
  if (record.state.kind !== 'leaving') return;
  record.state = record.state.was;
  saveRecord(record);
  if (!isRunning(record)) return;
  rmSync(join(podPaths(record.id).run, 'freezing'), { force: true });
  await connect(await planLink(record), record.state.init.pid);
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
      channel.close();
      break;
    } catch (error) {
      if (attempt >= remoteAttempts) throw error;
      await new Promise((resolve) => setTimeout(resolve, remotePauseMs));
    }
  }
  await destroyPod(record);
  closeJournal(entry);
}

/** Ours by the source's word: let go if its processes still stand there frozen, else made again from the same images. */
async function reviveArrived(record: PodRecord, entry: TargetJournal, environments: EnvironmentStore): Promise<void> {
  const { state } = record;
  const init = state.kind === 'arriving' || state.kind === 'running' ? state.init : undefined;
  if (init && isAlive(init)) {
    await connect(await planLink(record), init.pid);
    record.state = { kind: 'running', init, bootId: bootId(), since: new Date().toISOString() };
    saveRecord(record);
    freezeGroup(record.id, false);
    rmSync(podPaths(record.id).images, { recursive: true, force: true });
    return closeJournal(entry);
  }
  if (init) await dismantle(record, init);
  const { images } = podPaths(record.id);
  if (!existsSync(images)) {
    closeJournal(entry); // the host was restarted; `observe` says what that means
    return;
  }
  await using revival = await Revival.prepare(record, environments);
  const revived = await revival.revive({
    images,
    isClone: entry.isClone,
    hold: async (init) => {
      record.state = { kind: 'running', init, bootId: bootId(), since: new Date().toISOString() };
      saveRecord(record);
    },
  });
  record.state = revived.state;
  saveRecord(record);
  rmSync(images, { recursive: true, force: true });
  closeJournal(entry);
}

async function waitInDoubt(record: PodRecord, entry: TargetJournal, environments: EnvironmentStore): Promise<void> {
  if (entry.port === null) throw new ZapError('move/in-doubt', 'Only the other host, or a person, can say whether it may run here.', { hint: `zap pod recover ${record.name}` });
  using listener = await ChannelListener.listen(Buffer.from(entry.key, 'hex'), entry.transfer, entry.port);
  try {
    const over = await awaitCommit(undefined, { podId: record.id, nextChannel: (signal) => listener.accept(signal), onDoubt: () => {} });
    writeJournal({ ...entry, phase: 'committed' });
    await reviveArrived(record, { ...entry, phase: 'committed' }, environments);
    const now = loadRecord(record.id);
    if (over && now) {
      await over.send({ type: 'running', epochMs: Date.now(), pod: toPod(now), steps: [] }).catch(() => {});
    }
  } catch (error) {
    if (!(error instanceof ZapError) || error.code !== 'move/given-up') throw error;
    await destroyPod(record);
    closeJournal(entry);
  }
}

/** States that need no other host: a suspend that was cut off after the kill, a creation that was never finished. */
async function recoverRecord(record: PodRecord): Promise<void> {
  using lock = Lock.try(podPaths(record.id).lock);
  if (!lock) return;
  const now = loadRecord(record.id);
  if (!now) return;
  if (now.state.kind === 'creating') return void (await destroyPod(now));
  const { checkpoint, run } = podPaths(now.id);
  const manifest = endedInCheckpoint(now);
  if (manifest) return settleSuspended(now, manifest);
  if (isRunning(now)) {
    rmSync(checkpoint, { recursive: true, force: true });
    if (existsSync(join(run, 'freezing'))) {
      rmSync(join(run, 'freezing'), { force: true });
      await connect(await planLink(now), now.state.init.pid);
    }
  }
}
