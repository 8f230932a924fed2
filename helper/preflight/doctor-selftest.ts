/**
 * The proof that PODs can be checkpointed here: a small one with what PODs have (a terminal, a TCP connection, two users in a user namespace of their
 * own) is dumped, killed and restored, and must go on where it was.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Finding } from '../protocol/model';
import { ZapError } from '../protocol/errors';
import { markCloseOnExec } from '../criu/connection';
import { findCriu } from '../criu/features';
import { dumpOptions, restoreOptions } from '../criu/options';
import { probeCriu } from '../criu/probe';
import { coverPreloaded, uncoverPreloaded, withoutPreloaded } from '../criu/preloaded';
import { childrenOf } from '../criu/process-tree';
import { answerWithinMs, inScratch, inTime } from '../criu/questions';
import { killRestored } from '../criu/restored-tree';
import { CriuSession } from '../criu/session';
import { userNamespace } from '../system/mounts';
import { identify, readStat } from '../system/process';
import { run, start } from '../system/spawn';

/** Far from the ranges that PODs get. */
const uidBase = 2_000_000_000;
const patienceMs = 15_000;

/**
 * Two processes, of two users, that pass a number to and fro: over a TCP connection one way and through a terminal the other. The number shows in their
 * names. Perl, because every Debian and nearly every other system has it, and no compiler.
 */
const probeProgram = String.raw`
use strict; use Socket; use Fcntl; use POSIX ();
my ($TIOCSPTLCK, $TIOCGPTN, $TIOCSCTTY) = (0x40045431, 0x80045430, 0x540E);
sysopen(my $master, '/dev/pts/ptmx', O_RDWR | O_NOCTTY) or die "ptmx: $!";
my $buffer = pack('i', 0);
ioctl($master, $TIOCSPTLCK, $buffer) or die "unlock: $!";
ioctl($master, $TIOCGPTN, $buffer) or die "number: $!";
my $name = '/dev/pts/' . unpack('i', $buffer);
socket(my $listener, PF_INET, SOCK_STREAM, 0) or die $!;
bind($listener, pack_sockaddr_in(0, INADDR_LOOPBACK)) or die "bind: $!";
listen($listener, 1) or die $!;
socket(my $there, PF_INET, SOCK_STREAM, 0) or die $!;
connect($there, getsockname($listener)) or die "connect: $!";
accept(my $here, $listener) or die $!;
close $listener;
my $child = fork();
if ($child == 0) {
  close $here; close $master;
  POSIX::close(3); POSIX::dup2(0, 2); POSIX::setsid();
  sysopen(my $terminal, $name, O_RDWR) or die "terminal: $!";
  ioctl($terminal, $TIOCSCTTY, 0);
  $( = 1000; $) = '1000 1000'; ($<, $>) = (1000, 1000);
  die "still root" if $> == 0;
  while (sysread($there, my $line, 64)) { $0 = "zap-probe terminal $line"; syswrite($terminal, $line); select(undef, undef, undef, 0.01) }
  exit 1;
}
close $there;
my $count = 0;
my $seen = '';
while (1) {
  $count++;
  syswrite($here, "$count\n");
  my $line = '';
  while ($line !~ /\b$count\b.*\n/s) { sysread($master, my $part, 64) or die "terminal ended"; $line .= $part }
  $0 = "zap-probe tcp $count";
  if ($count == 1) { open(my $ready, '>&=', 3); syswrite($ready, "ready\n"); close $ready; POSIX::dup2(0, 2) }
}
`;

/** $1: the root; $2: the program. There is no /dev but a terminal's, so the standard streams are the one thing that is surely there: the root. */
const insideScript = `set -e
mount --bind "$1" "$1"
cd "$1"
mount -t proc proc proc
mount -t tmpfs -o size=1m tmpfs dev
mkdir dev/pts
: >dev/null # Perl wants one, and a device cannot be made here
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts dev/pts
ip link set lo up
${coverPreloaded}
pivot_root . .
umount -l .
cd /
exec 0</ 1<&0
exec perl -e "$2"`;

/** The self-test with the CRIU that is used on this host; never rejects. */
export async function selfTestHost(): Promise<Finding[]> {
  try {
    const { binary } = await findCriu();
    return await selfTest(binary);
  } catch (error) {
    return [blocker(ZapError.from(error))];
  }
}

/** Findings of the self-test with this CRIU. */
export async function selfTest(binary: string): Promise<Finding[]> {
  if (!(await hasPerl())) {
    const plain = await probeCriu(binary);
    if (!plain.isWorking) return [blocker(plain.failure)];
    return [{ id: 'selftest', severity: 'note', message: `A plain probe was dumped in ${Math.round(plain.dumpMs)} ms and restored in ${Math.round(plain.restoreMs)} ms. One with a terminal, a connection and two users needs Perl, which this host does not have.` }];
  }
  try {
    const { dumpMs, restoreMs } = await dumpAndRestore(binary);
    return [{ id: 'selftest', severity: 'note', message: `A probe with a terminal, a TCP connection and two users was dumped in ${Math.round(dumpMs)} ms and restored in ${Math.round(restoreMs)} ms.`, data: { dumpMs, restoreMs } }];
  } catch (error) {
    return [blocker(ZapError.from(error))];
  }
}

function blocker({ code, message, hint, evidence }: ZapError): Finding {
  return { id: 'selftest', severity: 'blocker', message: `A probe cannot be dumped and restored: ${message}`, ...(hint === undefined ? {} : { hint }), data: { code, evidence } };
}

async function hasPerl(): Promise<boolean> {
  return run('perl', ['-MPOSIX', '-MSocket', '-MFcntl', '-e', '1'], { timeoutMs: 5000 }).then(
    () => true,
    () => false,
  );
}

export async function dumpAndRestore(binary: string): Promise<{ dumpMs: number; restoreMs: number }> {
  return await inScratch(async (directory) => {
    const imagesDirectory = join(directory, 'images');
    mkdirSync(imagesDirectory);
    // A directory of its own, removed by rmdir alone: what is mounted on it is the host's whole file system.
    const rootDirectory = mkdtempSync(join(tmpdir(), 'zap-probe-root-'));
    await run('mount', ['--bind', '--make-private', '-o', 'ro', '/', rootDirectory]);
    try {
      return await withTree(rootDirectory, async (initPid) => {
        await using dumper = await CriuSession.start({ binary, workDirectory: directory });
        const before = await progress(initPid, 1);
        const dump = await inTime(dumper, answerWithinMs, () => dumper.dump(dumpOptions({ initPid, imagesDirectory })));
        await using restorer = await CriuSession.start({ binary, workDirectory: directory });
        const linkUp = async (pid: number): Promise<void> => {
          const [program, ...args] = withoutPreloaded(['nsenter', '--user', '--net', '--target', String(pid), 'ip', 'link', 'set', 'lo', 'up']);
          await run(program, args, { timeoutMs: answerWithinMs });
        };
        const restore = await inTime(restorer, answerWithinMs, () => restorer.restore(restoreOptions({ imagesDirectory, rootDirectory }), { setupNamespaces: linkUp }));
        try {
          await progress(restore.initPid, before + 1);
        } finally {
          await killRestored(identify(restore.initPid), async () => {});
        }
        return { dumpMs: dump.totalMs, restoreMs: restore.totalMs };
      });
    } finally {
      await run('umount', ['--lazy', rootDirectory]);
      rmdirSync(rootDirectory);
    }
  });
}

async function withTree<T>(rootDirectory: string, use: (initPid: number) => Promise<T>): Promise<T> {
  markCloseOnExec();
  await using namespace = await userNamespace(uidBase);
  const namespaces = ['--mount', '--propagation', 'private', '--pid', '--fork', '--net', '--ipc', '--uts'];
  // Root of a user namespace is made by entering it: a program started before its ids are mapped would have lost its rights.
  const inside = ['unshare', ...namespaces, 'setsid', 'sh', '-c', insideScript, 'sh', rootDirectory, probeProgram];
  const [command, ...args] = withoutPreloaded(['nsenter', '--user=/proc/self/fd/4', '--setuid', '0', '--setgid', '0', ...inside]);
  const outer = start(command, args, {
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', namespace.fd],
  });
  const ended = new Promise<void>((resolve) => outer.once('exit', () => resolve()).once('error', () => resolve()));
  let complaint = '';
  (outer.stderr as Readable).on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const isReady = await Promise.race([new Promise<boolean>((resolve) => (outer.stdio[3] as Readable).once('data', () => resolve(true)).once('end', () => resolve(false))), ended.then(() => false), delay(patienceMs, false, { ref: false })]);
  const [initPid] = outer.pid === undefined ? [] : childrenOf(outer.pid);
  const init = initPid === undefined ? undefined : identify(initPid);
  try {
    if (!isReady || initPid === undefined) throw new ZapError('criu/probe-not-startable', 'This host cannot make the namespaces, terminals and connections that a POD needs.', { evidence: complaint.trim().split('\n').filter(Boolean).slice(-10) });
    await uncoverPreloaded(initPid);
    return await use(initPid);
  } finally {
    outer.stderr?.destroy();
    (outer.stdio[3] as Readable).destroy();
    if (!init) outer.kill('SIGKILL'); // it hangs before there is a tree
    await killRestored(init, () => ended); // here the outer process stands where CRIU does: init's parent, gone right after it
  }
}

/** Waits until both processes have passed the number on at least so often; returns where they are. */
async function progress(initPid: number, atLeast: number): Promise<number> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const members = [initPid, ...childrenOf(initPid)].map((pid) => /zap-probe (?:tcp|terminal) (\d+)/.exec(commandLine(pid))?.[1]);
    const counts = members.filter((count) => count !== undefined).map(Number);
    if (counts.length === 2 && counts.every((count) => count >= atLeast)) return Math.max(...counts);
    if (performance.now() > deadline || readStat(initPid) === undefined) {
      throw new ZapError('criu/probe-stuck', 'The probe was restored, but does not go on: its terminal or its connection does not work any more.', { data: { counts, atLeast } });
    }
    await delay(5);
  }
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}
