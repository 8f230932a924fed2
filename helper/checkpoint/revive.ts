/**
 * Bringing a POD back from its images.
 *
 * `prepare` makes everything around the processes: root, control groups, the plan of the link, a CRIU that waits. `revive` restores the processes and
 * leaves them complete in a frozen control group until `hold` agrees. CRIU has ended by then, so nothing can fail any more; and the death of this helper
 * neither lets them run nor loses them.
 */
import { mkdirSync } from 'node:fs';
import { findCriu } from '../criu/features';
import { restoreOptions } from '../criu/options';
import { CriuSession, type RestoreOutcome } from '../criu/session';
import type { EnvironmentStore } from '../files/environments';
import type { MapId } from '../files/id-shift';
import { loadShm, shmKey } from './shm';
import { guardMacvlan, guardPort } from '../network/guard';
import { announce, completeLink, connect, createLink, planLink, type LinkPlan } from '../network/pod-link';
import { mountAround, mountRoot } from '../pod/create';
import { podPaths, type PodRecord, type RunningState } from '../pod/record';
import { dismantle } from '../pod/remove';
import { createGroups, freezeGroup, ownGroup } from '../system/cgroup';
import { bootId, identify, type ProcessIdentity } from '../system/process';
import { ZapError } from '../protocol/errors';

export interface Revived {
  state: RunningState;
  outcome: RestoreOutcome;
  /** Wall clock at which all of the POD ran again, milliseconds since 1970. */
  runningEpochMs: number;
}

export class Revival implements AsyncDisposable {
  private constructor(
    private readonly record: PodRecord,
    private readonly link: LinkPlan,
    private readonly session: CriuSession,
    private readonly environments: EnvironmentStore,
  ) {}

  static async prepare(record: PodRecord, environments: EnvironmentStore): Promise<Revival> {
    const { criu } = podPaths(record.id);
    mkdirSync(criu, { recursive: true, mode: 0o700 });
    try {
      await mountAround(record, environments);
      const cgroupProcs = createGroups(record.id, record.limits);
      const link = await planLink(record);
      await guardPort(link);
      const { binary } = await findCriu();
      return new Revival(record, link, await CriuSession.start({ binary, workDirectory: criu, cgroupProcs, cgroupProcsOnceForked: [ownGroup()] }), environments);
    } catch (error) {
      await dismantle(record, undefined);
      throw error;
    }
  }

  /** Rejects with nothing of the POD left but its files. */
  async revive(options: { images: string; isClone: boolean; mapId?: MapId; hold: (init: ProcessIdentity) => Promise<void> }): Promise<Revived> {
    let init: ProcessIdentity | undefined;
    try {
      const { root, shm } = podPaths(this.record.id);
      await mountRoot(this.record, this.environments);
      await loadShm(options.images, shm, options.mapId);
      let link = Promise.resolve();
      const outcome = await this.session.restore(restoreOptions({ imagesDirectory: options.images, rootDirectory: root, isClone: options.isClone, external: [`mnt[${shmKey}]:${shm}`] }), {
        setupNamespaces: async (init) => void (link = meanwhile(() => createLink(this.link, init))),
        postSetupNamespaces: () => link,
        preResume: async () => void freezeGroup(this.record.id, true),
      });
      init = identify(outcome.initPid);
      if (!init) throw new ZapError('criu/restore-failed', 'The POD ended at the moment it was restored.');
      completeLink(this.link, init.pid);
      await guardMacvlan(this.link, init.pid);
      await options.hold(init);
      connect(this.link, init.pid);
      freezeGroup(this.record.id, false);
      const runningEpochMs = Date.now();
      announce(this.link, init.pid);
      return { state: { kind: 'running', init, bootId: bootId(), since: new Date(runningEpochMs).toISOString() }, outcome, runningEpochMs };
    } catch (error) {
      await this.session.close();
      await dismantle(this.record, init);
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session.close();
  }
}

/** Begins when CRIU has been told to go on. */
function meanwhile(work: () => void): Promise<void> {
  const done = new Promise<void>((resolve) => setImmediate(resolve)).then(work);
  done.catch(() => {}); // who waits for it is told
  return done;
}
