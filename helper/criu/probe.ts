/**
 * The proof that CRIU works here: a tiny tree in namespaces like a POD's is dumped, killed and restored.
 *
 * `criu check` and the version do not tell: CRIU 4.1 passes its check on kernels where it cannot dump.
 */
import { mkdirSync, mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { ZapError } from '../protocol/errors';
import { identify } from '../system/process';
import { run, start } from '../system/spawn';
import { markCloseOnExec } from './connection';
import { coverPreloaded, uncoverPreloaded, withoutPreloaded } from './preloaded';
import { dumpOptions, restoreOptions } from './options';
import { childrenOf } from './process-tree';
import { answerWithinMs, inScratch, inTime } from './questions';
import { killRestored } from './restored-tree';
import { CriuSession } from './session';

/**
 * $1: the root; the rest: the program. Says so on descriptor 3 when the tree is ready to be dumped.
 *
 * There is no /dev, so the standard streams are the one thing that is surely there: the root directory.
 */
const insideScript = `set -e
mount --bind "$1" "$1"
cd "$1"
mount -t proc proc proc
${coverPreloaded}
pivot_root . .
umount -l .
cd /
shift
echo ready >&3
exec 0</ 1<&0 2<&0 3<&-
exec "$@"`;

/** A host may have something in its way that hangs instead of failing. */
const startWithinMs = 10_000;

export interface ProbeTree extends AsyncDisposable {
  initPid: number;
  /** Where it must be restored: the host's own root file system, bound to a place of its own. */
  rootDirectory: string;
  /** Ends the tree (the original; a restored one has its own pid) and takes its root away. */
  end(): Promise<void>;
}

export interface ProbeTreeOptions {
  program?: readonly string[];
  /** Root of the tree's files; the host's own without it. */
  files?: string;
  isRootWritable?: boolean;
}

/** Runs a program as init of a small POD-like tree. */
export async function startProbeTree(options: ProbeTreeOptions = {}): Promise<ProbeTree> {
  const { program = ['sleep', '3600'], files = '/', isRootWritable = false } = options;
  // A directory of its own, removed by rmdir alone: what is mounted on it is the host's whole file system.
  const rootDirectory = mkdtempSync(join(tmpdir(), 'zap-probe-root-'));
  await run('mount', ['--bind', '--make-private', ...(isRootWritable ? [] : ['-o', 'ro']), files, rootDirectory]);
  const unmount = async () => {
    await run('umount', ['--lazy', rootDirectory]);
    rmdirSync(rootDirectory);
  };
  try {
    markCloseOnExec();
    const namespaces = ['--user', '--map-root-user', '--mount', '--propagation', 'private', '--pid', '--fork', '--net', '--ipc', '--uts'];
    // setsid comes before the script: CRIU wants the first process to lead its session.
    const [command, ...args] = withoutPreloaded(['unshare', ...namespaces, 'setsid', 'sh', '-c', insideScript, 'sh', rootDirectory, ...program]);
    const outer = start(command, args, {
      cwd: '/',
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    });
    const ended = new Promise<void>((resolve) => outer.once('exit', () => resolve()).once('error', () => resolve()));
    let complaint = '';
    (outer.stderr as Readable).on('data', (chunk: Buffer) => (complaint += chunk.toString()));
    const isReady = await Promise.race([
      new Promise<boolean>((resolve) => (outer.stdio[3] as Readable).once('data', () => resolve(true)).once('error', () => resolve(false))),
      ended.then(() => false),
      delay(startWithinMs, false, { ref: false }),
    ]);
    const [initPid] = outer.pid === undefined ? [] : childrenOf(outer.pid);
    if (!isReady || initPid === undefined) {
      if (initPid !== undefined) process.kill(initPid, 'SIGKILL'); // all of its namespace with it, and then its parent
      else outer.kill('SIGKILL');
      await ended;
      throw new ZapError('criu/probe-not-startable', 'This host cannot make the namespaces that a POD needs.', { evidence: complaint.trim().split('\n').filter(Boolean) });
    }
    await uncoverPreloaded(initPid);
    const init = identify(initPid);
    const end = async () => {
      await killRestored(init, () => ended); // here the outer process stands where CRIU does: init's parent, gone right after it
      await unmount();
    };
    return { initPid, rootDirectory, end, [Symbol.asyncDispose]: end };
  } catch (error) {
    await unmount();
    throw error;
  }
}

export type ProbeResult = { isWorking: true; dumpMs: number; restoreMs: number } | { isWorking: false; failure: ZapError };

/** Takes about a quarter of a second; its own result is worth keeping until the next boot or upgrade. */
export async function probeCriu(binary: string, withinMs = answerWithinMs): Promise<ProbeResult> {
  try {
    return await inScratch(async (directory) => {
      const imagesDirectory = join(directory, 'images');
      mkdirSync(imagesDirectory);
      await using tree = await startProbeTree();
      await using dumper = await CriuSession.start({ binary, workDirectory: directory });
      const dump = await inTime(dumper, withinMs, () => dumper.dump(dumpOptions({ initPid: tree.initPid, imagesDirectory })));
      await using restorer = await CriuSession.start({ binary, workDirectory: directory });
      const restore = await inTime(restorer, withinMs, () => restorer.restore(restoreOptions({ imagesDirectory, rootDirectory: tree.rootDirectory })));
      await killRestored(identify(restore.initPid), async () => {});
      return { isWorking: true, dumpMs: dump.totalMs, restoreMs: restore.totalMs };
    });
  } catch (error) {
    return { isWorking: false, failure: ZapError.from(error) };
  }
}
