/**
 * Taking a checkpoint of a running POD.
 *
 * All that can be done while the POD runs is done in `prepare`: who looks on is asked to let go, the paths of inotify watches are looked up, CRIU sits
 * ready. `freeze` is what the user waits for.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { findCriu } from '../criu/features';
import { CriuGuard } from '../criu/guard';
import { inspectTree } from '../criu/inspect';
import { mendInterruptedDump } from '../criu/interrupted-dump';
import { writeIrmapCache } from '../criu/irmap-cache';
import { spreadAgain } from '../criu/one-processor';
import { dumpOptions } from '../criu/options';
import { CriuSession, type DumpOutcome } from '../criu/session';
import { ZapError } from '../protocol/errors';
import { planLink, type LinkPlan } from '../network/link-plan';
import { connect, disconnect } from '../network/pod-link';
import { interruptedDump } from './interrupted';
import { readIoPriorities, saveIoPriorities, type IoPriorities } from './io-priorities';
import { saveMessageQueues } from './message-queues';
import { hasLinkRemaps, saveShm, shmKey } from './shm';
import { raiseBarrier } from '../pod/clients';
import { podPaths } from '../pod/paths';
import type { PodRecord, RunningState } from '../pod/record';
import { freezeGroup, groupMembers } from '../system/cgroup';
import { reach } from '../system/fault-point';
import { identify, isAlive } from '../system/process';
import { endTcpRepair } from '../system/tcp-repair';
import type { Steps } from './steps';

const settleTimeoutMs = 500;
const patienceMs = 10_000;

/** The images are whole from now on. */
export function markDumped(record: PodRecord): void {
  const { dumped, run } = podPaths(record.id);
  mkdirSync(run, { recursive: true, mode: 0o700 });
  writeFileSync(dumped, '');
}

/** Whether the POD's processes, should they be gone, can be made again from the images that were taken last. */
export function isDumped(record: PodRecord): boolean {
  return existsSync(podPaths(record.id).dumped);
}

/** Lets a POD that stands there frozen go on, whatever became of the CRIU that dumped it. */
export function letGoOn(podId: string): void {
  endTcpRepair(groupMembers(podId));
  spreadAgain(podId, podPaths(podId).processors);
  if (freezeGroup(podId)) freezeGroup(podId, false);
}

/** `hold`: CRIU lets go, and the control group, which was frozen meanwhile, does not. */
export type Verdict = 'kill' | 'resume' | 'hold';

export interface Frozen {
  /** Wall clock just before the first process stood still, milliseconds since 1970. */
  epochMs: number;
  /** From then until the last did. */
  freezingMs: number;
  /** Whether CRIU still holds it. */
  isHeld: () => boolean;
}

export class Freeze implements AsyncDisposable {
  private constructor(
    private readonly record: PodRecord & { state: RunningState },
    private readonly images: string,
    private readonly isClone: boolean,
    private readonly barrier: Disposable,
    private readonly link: LinkPlan,
    private readonly session: CriuSession,
    private readonly guard: CriuGuard,
    private readonly isMemoryRead: boolean,
    private readonly names: ReadonlyMap<number, string>,
    private readonly ioPriorities: IoPriorities,
  ) {}

  /**
   * The POD runs on, and nobody looks at it any more. `images` is empty, or not there yet. With `isMemoryRead` the caller reads the memory from the frozen
   * processes: the images name their pages, but do not hold all of them.
   */
  static async prepare(record: PodRecord & { state: RunningState }, options: { images: string; isClone: boolean; isMemoryRead?: boolean; steps: Steps }): Promise<Freeze> {
    const { images, isClone, isMemoryRead = false, steps } = options;
    const { criu, run, processors } = podPaths(record.id);
    for (const directory of [criu, run, images]) mkdirSync(directory, { recursive: true, mode: 0o700 });
    const { binary } = await findCriu();
    const session = await CriuSession.start({ binary, workDirectory: criu });
    const guard = CriuGuard.start({ criuPid: session.pid, podId: record.id, note: processors });
    try {
      const link = await planLink(record);
      await steps.run('find watched files', () => writeIrmapCache({ initPid: record.state.init.pid, workDirectory: criu }));
      await guard.ready();
      const barrier = await steps.run('detach viewers', () => raiseBarrier(record));
      let names;
      try {
        names = await requireCheckpointable(record);
      } catch (error) {
        barrier[Symbol.dispose]();
        throw error;
      }
      return new Freeze(record, images, isClone, barrier, link, session, guard, isMemoryRead, names, readIoPriorities(groupMembers(record.id)));
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  /**
   * Freezes and dumps the POD and asks `whileFrozen` what shall become of it. With 'resume', or when anything fails, it runs on as if nothing had been.
   * A clone's original always runs on. `onFrozen` hears when all processes stand still. While `isGivenAway` says so, nothing here lets it run.
   */
  async freeze(whileFrozen: (frozen: Frozen) => Promise<Verdict>, { onFrozen, isGivenAway }: { onFrozen?: () => void; isGivenAway?: () => boolean } = {}): Promise<{ outcome: DumpOutcome; frozen: Frozen }> {
    const { init } = this.record.state;
    const frozen: Frozen = { epochMs: Date.now(), freezingMs: 0, isHeld: () => criu !== undefined && isAlive(criu) };
    let isCriuGone = false;
    let isHeldBack = false;
    let hasCriuFinished = false;
    let impatience: NodeJS.Timeout | undefined;
    let infected: number[] | undefined;
    const criu = identify(this.session.pid);
    void this.session.exited.then(() => (isCriuGone = true));
    const { shm } = podPaths(this.record.id);
    let shmSaved: Promise<void> | undefined;
    try {
      const outcome = await this.session.dump(dumpOptions({ initPid: init.pid, imagesDirectory: this.images, isClone: this.isClone, isMemoryRead: this.isMemoryRead, external: [`mnt[/dev/shm]:${shmKey}`] }), {
        preDump: async () => void (frozen.epochMs = Date.now()),
        networkLock: async () => {
          frozen.freezingMs = Date.now() - frozen.epochMs;
          disconnect(this.link, init.pid);
          this.guard.gather();
          // CRIU goes on at once.
          setImmediate(() => {
            infected = groupMembers(this.record.id);
            onFrozen?.();
          });
          shmSaved = new Promise<void>((resolve) => setImmediate(resolve)).then(() => saveShm(shm, this.images));
          shmSaved.catch(() => {}); // who waits for it is told
          reach('source: frozen');
        },
        postDump: async () => {
          infected = undefined;
          freezeGroup(this.record.id, true); // from here on CRIU's death lets nothing run
          saveIoPriorities(this.images, this.ioPriorities);
          saveMessageQueues(this.images, { initPid: init.pid, uidBase: this.record.uidBase });
          await shmSaved;
          if (hasLinkRemaps(shm)) await saveShm(shm, this.images);
          markDumped(this.record);
          reach('source: dumped');
          const verdict = await whileFrozen(frozen);
          isHeldBack = verdict === 'hold';
          if (isCriuGone && !isHeldBack) throw new ZapError('criu/died', 'CRIU ended while it held the frozen POD.');
          // All that is left to it is to end; one that hangs must not hold up a POD that may run elsewhere by now.
          if (!this.isClone) impatience = setTimeout(() => this.session.kill(), patienceMs);
          return verdict === 'kill' ? 'kill' : 'resume';
        },
      });
      hasCriuFinished = true;
      return { outcome, frozen };
    } catch (error) {
      if (!isCriuGone) throw error;
      const rescue = await this.guard.settled(); // lets nothing run behind it
      if (!infected) throw error;
      const { lost } = await mendInterruptedDump(init, infected, () => letGoOn(this.record.id));
      throw interruptedDump(this.record, { lost, isRescued: rescue !== undefined, names: this.names, cause: error });
    } finally {
      clearTimeout(impatience);
      this.guard.stepBack();
      await shmSaved?.catch(() => {});
      if (isAlive(init) && !isHeldBack) {
        rmSync(podPaths(this.record.id).dumped, { force: true });
        if (hasCriuFinished) {
          spreadAgain(this.record.id, podPaths(this.record.id).processors);
          freezeGroup(this.record.id, false);
        } else if (!isGivenAway?.()) letGoOn(this.record.id);
        connect(this.link, init.pid);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.barrier[Symbol.dispose]();
    await this.session.close();
    await this.guard.settled();
  }
}

/**
 * The last look before the freeze: what CRIU would refuse is said by name, while the POD still runs.
 *
 * A terminal's client that has let go may still be ending, and the POD's tmux server closes that terminal a moment later: so a second look is taken.
 */
async function requireCheckpointable(record: PodRecord & { state: RunningState }): Promise<ReadonlyMap<number, string>> {
  const giveUpAtMs = performance.now() + settleTimeoutMs;
  for (;;) {
    const { findings, names } = inspectTree(record.state.init.pid);
    const blocker = findings.find((finding) => finding.severity === 'blocker');
    if (!blocker) return names;
    if (performance.now() > giveUpAtMs) throw new ZapError(`preflight/${blocker.id.replace('criu/', '')}`, blocker.message, { hint: blocker.hint, data: blocker.data });
    await sleep(5);
  }
}
