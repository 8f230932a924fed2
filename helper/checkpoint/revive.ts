/**
 * Bringing a POD back from its images.
 *
 * `prepare` makes everything around the processes: root, control groups, the plan of the link, a CRIU that waits. `revive` restores the processes and
 * holds them: made, complete and stopped, until `hold` agrees. If it does not, or this helper dies meanwhile, none of them ever runs.
 */
import { mkdirSync } from 'node:fs';
import { findCriu } from '../criu/features';
import { restoreOptions } from '../criu/options';
import { CriuSession, type RestoreOutcome } from '../criu/session';
import type { EnvironmentStore } from '../files/environments';
import { connect, createLink, planLink, type LinkPlan } from '../network/pod-link';
import { mountRoot } from '../pod/create';
import { podPaths, type PodRecord, type RunningState } from '../pod/record';
import { dismantle } from '../pod/remove';
import { createGroups } from '../system/cgroup';
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
  ) {}

  static async prepare(record: PodRecord, environments: EnvironmentStore): Promise<Revival> {
    const { criu } = podPaths(record.id);
    mkdirSync(criu, { recursive: true, mode: 0o700 });
    try {
      await mountRoot(record, environments);
      const cgroupProcs = createGroups(record.id, record.limits);
      const link = await planLink(record);
      const { binary } = await findCriu();
      return new Revival(record, link, await CriuSession.start({ binary, workDirectory: criu, cgroupProcs }));
    } catch (error) {
      await dismantle(record, undefined);
      throw error;
    }
  }

  /** Rejects with nothing of the POD left but its files. */
  async revive(options: { images: string; isClone: boolean; hold: (init: ProcessIdentity) => Promise<void> }): Promise<Revived> {
    try {
      const outcome = await this.session.restore(restoreOptions({ imagesDirectory: options.images, rootDirectory: podPaths(this.record.id).root, isClone: options.isClone }), {
        setupNamespaces: (init) => createLink(this.link, init),
        // Not `pre-resume`: there, this helper's death would let the processes run.
        postRestore: async (pid) => {
          const init = identify(pid);
          if (!init) throw new ZapError('criu/restore-failed', 'The POD ended while it was being restored.');
          await options.hold(init);
        },
      });
      const runningEpochMs = Date.now();
      const init = identify(outcome.initPid);
      if (!init) throw new ZapError('criu/restore-failed', 'The POD ended at the moment it was restored.');
      await connect(this.link, outcome.initPid);
      return { state: { kind: 'running', init, bootId: bootId(), since: new Date(runningEpochMs).toISOString() }, outcome, runningEpochMs };
    } catch (error) {
      await this.session.close();
      await dismantle(this.record, undefined);
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session.close();
  }
}
