/** Trees that do what CRIU refuses, in Perl (on every Debian), and what is said of them. Needs root. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { inspectTree, type Inspection } from '../../helper/criu/inspect';
import { startProbeTree } from '../../helper/criu/probe';
import { describeWithCriu } from './criu-here';

const systemCalls = process.arch === 'arm64' ? { mqOpen: 180, inotifyInit: 26, inotifyAdd: 27 } : { mqOpen: 240, inotifyInit: 294, inotifyAdd: 254 };
const ioUringSetup = 425;
const pidfdOpen = 434;

let directory: string;
beforeAll(() => {
  directory = mkdtempSync('/var/tmp/zap-inspect-test-');
});
afterAll(() => rmSync(directory, { recursive: true }));

/** From a file: `perl -e` wants /dev/null, and the tree has no /dev. */
function perl(program: string): string[] {
  const script = join(directory, 'script.pl');
  writeFileSync(script, `${program};\nsleep 3600 while 1;\n`);
  return ['perl', script];
}

/** Runs the program as a tree and waits until the finding is there. */
async function findingsOf(program: readonly string[], id: string, options: { isRootWritable?: boolean; enter?: (initPid: number) => ChildProcess } = {}) {
  await using tree = await startProbeTree({ program, ...options });
  const entered = options.enter?.(tree.initPid);
  try {
    let last: Inspection | undefined;
    await vi.waitFor(() => {
      last = inspectTree(tree.initPid);
      expect(last.findings.map((finding) => finding.id)).toContain(id);
    }, { timeout: 3000, interval: 20 });
    return last!.findings;
  } finally {
    entered?.kill('SIGKILL');
  }
}

describeWithCriu('what cannot be checkpointed', () => {
  test('a quiet tree has no findings, and its size', async () => {
    await using tree = await startProbeTree({ program: perl('my $x = "x" x 8e6; fork') });
    await vi.waitFor(() => expect(inspectTree(tree.initPid).totals.processes).toBe(2));
    const { findings, totals } = inspectTree(tree.initPid);
    expect(findings).toEqual([]);
    expect(totals).toMatchObject({ processes: 2, threads: 2, tcpConnections: 0, descriptors: 6 });
    expect(totals.memoryBytes).toBeGreaterThan(8e6);
    expect(totals.memoryBytes).toBeLessThan(24e6); // shared since the fork, counted once
  });

  test('a namespace within', async () => {
    const [finding] = await findingsOf(perl('if (fork == 0) { exec qw(unshare --uts sleep 3600) }'), 'criu/nested-namespace');
    expect(finding).toMatchObject({ severity: 'blocker', data: { name: 'sleep', namespaces: ['uts'] } });
  });

  test('a mount namespace within is only a warning', async () => {
    const [finding] = await findingsOf(perl('if (fork == 0) { exec qw(unshare --mount sleep 3600) }'), 'criu/nested-namespace');
    expect(finding).toMatchObject({ severity: 'warning', data: { namespaces: ['mnt'] } });
  });

  test('io_uring', async () => {
    const findings = await findingsOf(perl(`my $p = "\\0" x 120; syscall(${ioUringSetup}, 4, $p) >= 0 or exit 1`), 'criu/io-uring');
    expect(findings).toMatchObject([{ severity: 'blocker' }]);
  });

  test('an open POSIX message queue', async () => {
    const open = perl(`my $n = "q1"; my $f = syscall(${systemCalls.mqOpen}, $n, 0102, 0600, 0); $f >= 0 or exit 1`);
    const findings = await findingsOf(open, 'criu/message-queue');
    expect(findings).toMatchObject([{ severity: 'blocker', data: { target: '/q1' } }]);
  });

  test('a watch on a file without a name', async () => {
    const file = join(directory, 'watched');
    const program = perl(
      `my $f = "${file}"; open(F, ">", $f); my $i = syscall(${systemCalls.inotifyInit}, 0); syscall(${systemCalls.inotifyAdd}, $i, $f, 2); unlink $f`,
    );
    const findings = await findingsOf(program, 'criu/inotify-path-unknown', { isRootWritable: true });
    expect(findings).toMatchObject([{ severity: 'blocker', data: { file: `${file} (deleted)` } }]);
  });

  test('an orphan that a subreaper adopted', async () => {
    // PR_SET_CHILD_SUBREAPER; a session leader forks and ends, its child lives on in the dead leader's session.
    const prctl = process.arch === 'arm64' ? 167 : 157;
    const setsid = process.arch === 'arm64' ? 157 : 112;
    const program = perl(
      `if (fork == 0) { syscall(${prctl}, 36, 1, 0, 0, 0); if (fork == 0) { syscall(${setsid}); if (fork == 0) { sleep 3600 } exit } wait; sleep 3600 } `,
    );
    const [finding] = await findingsOf(program, 'criu/session-leader-gone');
    expect(finding).toMatchObject({ severity: 'blocker', data: { name: 'perl' } });
  });

  test('a process started into the tree from outside', async () => {
    const findings = await findingsOf(['sleep', '3600'], 'criu/process-from-outside', {
      enter: (initPid) => spawn('nsenter', ['--target', String(initPid), '--all', 'sleep', '3600'], { stdio: 'ignore' }),
    });
    expect(findings).toMatchObject([{ severity: 'blocker', data: { name: 'sleep' } }]);
  });

  test('a traced process', async () => {
    const ptrace = process.arch === 'arm64' ? 117 : 101;
    const PTRACE_SEIZE = 0x4206;
    const program = perl(`my $c = fork; if ($c == 0) { sleep 3600 } syscall(${ptrace}, ${PTRACE_SEIZE}, $c, 0, 0) == 0 or exit 1`);
    const [finding] = await findingsOf(program, 'criu/already-traced');
    expect(finding).toMatchObject({ severity: 'blocker' });
  });

  test('a handle on a process that has ended is none', async () => {
    await using tree = await startProbeTree({ program: perl(`my $c = fork; if ($c == 0) { sleep 1; exit } syscall(${pidfdOpen}, $c, 0)`) });
    await vi.waitFor(() => expect(inspectTree(tree.initPid).totals.descriptors).toBeGreaterThan(3));
    expect(inspectTree(tree.initPid).findings).toEqual([]);
  });
});
