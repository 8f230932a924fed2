/**
 * Bringing a POD back from its images.
 *
 * `prepare` makes everything around the processes: root, control groups, the plan of the link, a CRIU that waits. `restore` makes the processes and
 * leaves them complete in a frozen control group until `letRun`. CRIU has ended by then, so nothing can fail any more; and the death of this helper
 * neither lets them run nor loses them.
 */
import { mkdirSync } from 'node:fs';
import { rearmTimers, removedSegments } from '../criu/amend';
import { findCriu } from '../criu/features';
import { endFilling, noteFilling, startFilling } from '../criu/filling';
import { listImages } from '../criu/images';
import { restoreOptions } from '../criu/options';
import { CriuSession, type RestoreOutcome } from '../criu/session';
import { UserfaultRight } from '../criu/userfault-right';
import type { EnvironmentStore } from '../files/environments';
import type { MapId } from '../files/id-shift';
import { loadIoPriorities } from './io-priorities';
import { loadMessageQueues } from './message-queues';
import { loadShm, shmKey } from './shm';
import { guardMacvlan, guardPort } from '../network/guard';
import { planLink, type LinkPlan } from '../network/link-plan';
import { announce, completeLink, connect, createLink } from '../network/pod-link';
import { mountAround, mountRoot } from '../pod/file-systems';
import { fillingOf, podPaths, userfaultRights } from '../pod/paths';
import type { PodRecord, RunningState } from '../pod/record';
import { dismantle } from '../pod/remove';
import { createGroups, freezeGroup, groupMembers, ownGroup } from '../system/cgroup';
import { removeSegments } from '../system/shared-memory';
import { bootId, identify, type ProcessIdentity } from '../system/process';
import { memoryFreeBytes } from '../preflight/facts';
import { ZapError } from '../protocol/errors';

const mostOfMemory = 0.8;

export interface Running {
  state: RunningState;
  /** Wall clock at which all of the POD ran again, milliseconds since 1970. */
  runningEpochMs: number;
}

export interface Restored {
  init: ProcessIdentity;
  outcome: RestoreOutcome;
  letRun: () => Running;
}

export class Revival implements AsyncDisposable {
  private hasBegun = false;

  private constructor(
    private readonly record: PodRecord,
    private readonly link: LinkPlan,
    private readonly session: CriuSession,
    private readonly environments: EnvironmentStore,
    readonly isLazy: boolean,
  ) {}

  /** With `isLazy` memory is put in place when the POD runs already, where this host can do that. */
  static async prepare(record: PodRecord, environments: EnvironmentStore, { isLazy = false } = {}): Promise<Revival> {
    const { criu } = podPaths(record.id);
    mkdirSync(criu, { recursive: true, mode: 0o700 });
    try {
      await mountAround(record, environments);
      const cgroupProcs = createGroups(record.id, record.limits);
      const link = await planLink(record);
      await guardPort(link);
      const { binary } = await findCriu();
      const willFill = isLazy && (await startFilling(fillingOf(record.id)));
      return new Revival(record, link, await CriuSession.start({ binary, workDirectory: criu, cgroupProcs, cgroupProcsOnceForked: [ownGroup()] }), environments, willFill);
    } catch (error) {
      await dismantle(record, undefined);
      throw error;
    }
  }

  /** Complete and stopped when this resolves, and so it stays whatever becomes of this helper. Rejects with nothing of the POD left but its files. */
  async restore(options: { images: string; isClone: boolean; mapId?: MapId | undefined }): Promise<Restored> {
    this.hasBegun = true;
    let init: ProcessIdentity | undefined;
    try {
      const { root, shm, filling } = podPaths(this.record.id);
      await mountRoot(this.record, this.environments);
      await loadShm(options.images, shm, options.mapId);
      rearmTimers(options.images);
      const segments = removedSegments(options.images);
      let link = Promise.resolve();
      const bytes = this.isLazy ? bytesOfPages(options.images) : 0;
      const isLazy = this.isLazy && hasRoom(bytes, this.record);
      if (isLazy) noteFilling(filling, bytes);
      else if (this.isLazy) await endFilling(filling);
      await using _right = isLazy ? await UserfaultRight.take(userfaultRights) : undefined;
      const outcome = await this.session.restore(restoreOptions({ imagesDirectory: options.images, rootDirectory: root, isClone: options.isClone, isLazy, external: [`mnt[${shmKey}]:${shm}`] }), {
        setupNamespaces: async (init) => void (link = meanwhile(() => createLink(this.link, init))),
        postSetupNamespaces: () => link,
        preResume: async () => void freezeGroup(this.record.id, true),
      });
      init = identify(outcome.initPid);
      if (!init) throw new ZapError('criu/restore-failed', 'The POD ended at the moment it was restored.');
      if (segments.length > 0) removeSegments(init.pid, segments);
      loadIoPriorities(options.images, groupMembers(this.record.id));
      loadMessageQueues(options.images, { initPid: init.pid, uidBase: this.record.uidBase });
      completeLink(this.link, init.pid);
      await guardMacvlan(this.link, init.pid);
      return { init, outcome, letRun: () => letRun(this.record, this.link, init!) };
    } catch (error) {
      await this.session.close();
      await dismantle(this.record, init);
      throw error;
    }
  }

  /** Takes away what was prepared for nothing. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.session.close();
    if (!this.hasBegun) await dismantle(this.record, undefined);
  }
}

function bytesOfPages(images: string): number {
  return listImages(images).files.reduce((sum, { name, sizeBytes }) => sum + (name.startsWith('pages-') ? sizeBytes : 0), 0);
}

/** Memory that follows is each process's own; of what CRIU copies, some share. */
function hasRoom(bytes: number, { limits }: PodRecord): boolean {
  return bytes <= memoryFreeBytes() * mostOfMemory && bytes <= (limits.memoryBytes ?? Infinity) * mostOfMemory;
}

/** Begins when CRIU has been told to go on. */
function meanwhile(work: () => void): Promise<void> {
  const done = new Promise<void>((resolve) => setImmediate(resolve)).then(work);
  done.catch(() => {}); // who waits for it is told
  return done;
}

/** Lets a stopped POD go. It goes even where its link cannot be opened: one without a network is better than none. */
export function letRun(record: PodRecord, link: LinkPlan, init: ProcessIdentity): Running {
  try {
    connect(link, init.pid);
  } finally {
    freezeGroup(record.id, false);
  }
  const runningEpochMs = Date.now();
  announce(link, init.pid);
  return { state: { kind: 'running', init, bootId: bootId(), since: new Date(runningEpochMs).toISOString() }, runningEpochMs };
}
