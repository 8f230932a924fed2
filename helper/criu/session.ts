/**
 * One CRIU, ready before it is needed.
 *
 * `start` brings up a worker that waits for its one request, so that the freeze does not pay for loading it. A dump is held in `postDump` with the tree
 * frozen but alive: answered 'kill' the tree dies, with anything else (or with this process gone, which closes the socket) it runs on.
 */
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import { ZapError } from '../protocol/errors';
import { seqpacketPair } from '../system/descriptors';
import { identify, type ProcessIdentity } from '../system/process';
import { start } from '../system/spawn';
import { CriuConnection, markCloseOnExec } from './connection';
import { criuFailure, type CriuFailure } from './failure';
import { openToPod } from './images';
import { messageType, type CriuOptions, type CriuRequest, type CriuResponse } from './messages';
import { killRestored } from './restored-tree';
import type { DumpHooks, DumpOutcome, RestoreHooks, RestoreOutcome, StageTime } from './stages';
import { readDumpTimes, readRestoreTimes } from './stats';

export type { DumpHooks, DumpOutcome, RestoreHooks, RestoreOutcome, StageTime } from './stages';

export interface SessionOptions {
  /** Absolute path of CRIU. */
  binary: string;
  /** Gets logs and stats, holds irmap-cache. */
  workDirectory: string;
  /** cgroup.procs files that CRIU is written into before anything else: what it restores is born there. */
  cgroupProcs?: readonly string[];
  /** cgroup.procs files that CRIU is written into while the tasks are made, so that the POD's cgroup can be frozen without freezing CRIU. */
  cgroupProcsOnceForked?: readonly string[];
}

type StageHook = (pid: number | undefined) => Promise<boolean>;

/**
 * What cannot be asked for by request. Build ids of mapped files are left alone: reading them costs a tenth of a dump, and both sides know the files by the
 * environment's digest. The server of lazy pages, which runs after such a dump, is given a client that has gone already, so it ends at once.
 */
const commandLine = ['--no-default-config', '--file-validation', 'filesize', '--ps-socket', '4'];

export class CriuSession implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #connection: CriuConnection;
  readonly #exited: Promise<number | NodeJS.Signals>;
  readonly #options: SessionOptions;
  #isUsed = false;

  private constructor(child: ChildProcess, connection: CriuConnection, options: SessionOptions) {
    this.#child = child;
    this.#connection = connection;
    this.#options = options;
    this.#exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal ?? 0)));
    // Tasks being restored hold copies of the socket: CRIU's death alone would not end a read.
    void this.#exited.then(() => connection.close());
  }

  static async start(options: SessionOptions): Promise<CriuSession> {
    const { binary, workDirectory } = options;
    markCloseOnExec();
    const [ours, theirs] = seqpacketPair();
    const connection = new CriuConnection(ours);
    try {
      const output = openSync(join(workDirectory, 'criu.out'), 'w', 0o600);
      const [client, server] = seqpacketPair();
      closeSync(client);
      let child: ChildProcess;
      try {
        for (const name of ['stats-dump', 'stats-restore']) rmSync(join(workDirectory, name), { force: true }); // an older run's
        child = start(binary, [...commandLine, '--work-dir', workDirectory, 'swrk', '3'], { cwd: '/', stdio: ['ignore', output, output, theirs, server] });
      } finally {
        for (const fd of [output, server]) closeSync(fd);
      }
      await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
      const session = new CriuSession(child, connection, options);
      try {
        for (const file of options.cgroupProcs ?? []) writeFileSync(file, String(session.pid));
      } catch (error) {
        await session.close();
        throw error;
      }
      return session;
    } catch (error) {
      await connection.close();
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'ENOENT' || code === 'EACCES') {
        throw new ZapError('criu/not-startable', `CRIU cannot be started (${binary}).`, { hint: 'Install CRIU 4.2 or newer.', data: { binary, workDirectory }, cause: error });
      }
      throw error;
    } finally {
      closeSync(theirs);
    }
  }

  /** Resolves when CRIU is gone. While a dump is held that means: the tree runs on, whatever is answered. */
  get exited(): Promise<unknown> {
    return this.#exited;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Resolves after the tree died or was let go; rejects when the dump failed, with the tree running. */
  async dump(options: CriuOptions, hooks: DumpHooks = {}): Promise<DumpOutcome> {
    this.#keepFromOomKiller();
    let isResumeWanted = false;
    const { response, stages, totalMs } = await this.#perform('dump', options, {
      'pre-dump': hooks.preDump && (() => hooks.preDump!().then(() => true)),
      'network-lock': hooks.networkLock && (() => hooks.networkLock!().then(() => true)),
      'post-dump':
        hooks.postDump &&
        (async () => {
          isResumeWanted = (await hooks.postDump!()) === 'resume';
          return !isResumeWanted;
        }),
    });
    if (!response.success && !isResumeWanted) throw this.#failure('dump', options, response);
    const tree = isResumeWanted ? 'resumed' : options.leaveRunning ? 'left-running' : 'killed';
    return { tree, stages, totalMs, times: readDumpTimes(this.#options.workDirectory) };
  }

  /** Resolves when the tree runs; when it rejects, nothing of the tree is left. */
  async restore(options: CriuOptions, hooks: RestoreHooks = {}): Promise<RestoreOutcome> {
    let init: ProcessIdentity | undefined;
    let regrouped: Promise<unknown> = Promise.resolve();
    const stage = (hook: ((initPid: number) => Promise<void>) | undefined): StageHook => async (pid) => {
      if (pid !== undefined && init === undefined) {
        init = identify(pid);
        // Takes the kernel 10 ms, in which CRIU has other things to do.
        regrouped = Promise.all((this.#options.cgroupProcsOnceForked ?? []).map((file) => writeFile(file, String(this.pid))));
        regrouped.catch(() => {}); // the last stage tells
      }
      await hook?.(init?.pid ?? pid ?? -1);
      return true;
    };
    // CRIU only notes a refused pre-resume and goes on: the refusal is carried out here, before CRIU hears of it.
    const preResume: StageHook = async (pid) => {
      try {
        await regrouped;
        return await stage(hooks.preResume)(pid);
      } catch (error) {
        await this.#abortRestore(init);
        throw error;
      }
    };
    if (options.imagesDir !== undefined) openToPod(options.imagesDir);
    try {
      const { response, stages, totalMs } = await this.#perform('restore', options, {
        'setup-namespaces': stage(hooks.setupNamespaces),
        'post-setup-namespaces': stage(hooks.postSetupNamespaces),
        'post-restore': stage(hooks.postRestore),
        'pre-resume': preResume,
      });
      if (!response.success || !response.restore) throw this.#failure('restore', options, response);
      return { initPid: response.restore.pid, stages, totalMs, times: readRestoreTimes(this.#options.workDirectory) };
    } catch (error) {
      await this.#abortRestore(init);
      throw error;
    }
  }

  /** Small questions: version, features, check. */
  async ask(request: CriuRequest): Promise<CriuResponse> {
    if (!this.#connection.send(request)) throw await this.#gone('check', undefined);
    const response = await this.#connection.receive();
    if (!response) throw await this.#gone('check', undefined);
    return response;
  }

  /** For a CRIU that has nothing to decide any more: the tree it held is dead. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Lets CRIU go. During a dump the tree runs on. */
  async close(): Promise<void> {
    this.#connection.shutdown();
    await this.#exited;
    await this.#connection.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #perform(operation: 'dump' | 'restore', options: CriuOptions, hooks: Record<string, StageHook | undefined>) {
    if (this.#isUsed) throw new Error('a CRIU session serves one dump or restore');
    this.#isUsed = true;
    const stages: StageTime[] = [];
    const startedMs = performance.now();
    let hookError: { error: unknown } | undefined;
    if (!this.#connection.send({ type: messageType[operation], opts: { ...options, notifyScripts: true } })) throw await this.#gone(operation, options);
    for (;;) {
      const response = await this.#connection.receive();
      if (response?.type === messageType.notify) {
        const stage: StageTime = { stage: response.notify?.script ?? '', atMs: performance.now(), epochMs: Date.now(), heldMs: 0 };
        stages.push(stage);
        let isAgreed = true;
        try {
          isAgreed = (await hooks[stage.stage]?.(response.notify?.pid)) ?? true;
        } catch (error) {
          hookError ??= { error };
          isAgreed = false;
        }
        stage.heldMs = performance.now() - stage.atMs;
        this.#connection.send({ type: messageType.notify, notifySuccess: isAgreed }); // a lost CRIU shows in the next receive
        continue;
      }
      const totalMs = performance.now() - startedMs;
      if (hookError) throw hookError.error;
      if (!response) throw await this.#gone(operation, options, stages);
      return { response, stages, totalMs };
    }
  }

  async #abortRestore(init: ProcessIdentity | undefined): Promise<void> {
    await killRestored(init, async () => {
      this.#child.kill('SIGKILL');
      await this.close();
    });
  }

  /** Killed in the middle of a dump it can take the POD along, and when memory is short it is the largest of those that have just begun. */
  #keepFromOomKiller(): void {
    try {
      writeFileSync(`/proc/${this.pid}/oom_score_adj`, '-1000');
    } catch {
      // without CAP_SYS_RESOURCE nobody may
    }
  }

  #failure(operation: CriuFailure['operation'], options: CriuOptions | undefined, response?: CriuResponse): ZapError {
    return criuFailure({
      operation,
      log: options?.logFile === undefined ? '' : this.#read(options.logFile),
      output: this.#read('criu.out'),
      message: response?.crErrmsg,
      errno: response?.crErrno,
    });
  }

  /** CRIU ended without an answer. */
  async #gone(operation: CriuFailure['operation'], options: CriuOptions | undefined, stages: StageTime[] = []): Promise<ZapError> {
    const status = await this.#exited;
    await this.#connection.close();
    const failure = this.#failure(operation, options);
    const lastStage = stages.at(-1)?.stage;
    return new ZapError('criu/died', `CRIU ended without an answer (${status})${lastStage === undefined ? '' : ` after "${lastStage}"`}.`, {
      hint: failure.hint,
      evidence: failure.evidence,
      data: { operation, status, ...(lastStage === undefined ? {} : { lastStage }) },
      cause: failure,
    });
  }

  #read(name: string): string {
    try {
      return readFileSync(join(this.#options.workDirectory, name), 'utf8');
    } catch {
      return '';
    }
  }
}

