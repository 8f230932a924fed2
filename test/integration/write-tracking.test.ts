/**
 * What programs notice of the call that they are made to do: nothing, in whichever call of their own they are at the time.
 *
 * Each is there twice, once left alone: what one hears and how long it waits, the other must as well.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TrackerAnswer } from '../../helper/checkpoint/write-tracker';
import { childrenOf, descriptorsOf } from '../../helper/criu/process-tree';
import { contextName } from '../../helper/system/userfaultfd';
import { describeAsRoot } from './support/as-root';
import { ensureBuilt } from './support/build';

const helper = join(import.meta.dirname, '../../dist/zap-helper');
const seconds = 4;
const orders = 3;
/** Numbers of x86-64. */
const waits: Record<string, string> = {
  nanosleep: 'syscall(35, $time, 0)',
  clock_nanosleep: 'syscall(230, 1, 0, $time, 0)',
  poll: 'syscall(7, 0, 0, $seconds * 1000)',
  ppoll: 'syscall(271, 0, 0, $time, 0, 8)',
  select: 'syscall(23, 0, 0, 0, 0, my $tv = $time)',
  futex: 'syscall(202, my $word = pack("l", 0), 128, 0, $time, 0, 0)',
  epoll: 'syscall(232, $epoll, my $events = "\\0" x 120, 10, -1)',
  'epoll with a time limit': 'syscall(232, $idle, my $events = "\\0" x 120, 10, $seconds * 1000)',
  read: 'sysread($reader, my $byte, 1)',
  wait4: 'syscall(61, -1, 0, 0, 0) > 0',
  'its own code': 'do { 1 while clock_gettime(1) < $start + $seconds; 0 }',
};

/** One process for each name, all of one pid namespace; each says what became of its wait. A child of each ends the waits that have no limit. */
const program = `
use Time::HiRes qw(clock_gettime sleep); $| = 1;
my ($seconds, @names) = @ARGV;
my %waits = (${Object.entries(waits).map(([name, code]) => `'${name}' => sub { my ($start, $time, $seconds, $reader, $epoll, $idle) = @_; ${code} }`).join(',\n')});
for my $name (@names) {
  next if fork;
  pipe my $reader, my $writer;
  my ($epoll, $idle) = (syscall(291, 0), syscall(291, 0));
  syscall 233, $epoll, 1, fileno $reader, my $event = pack('LQ', 1, 7);
  if (!fork) { close STDOUT; sleep $seconds; syswrite $writer, 'x'; exit }
  my $memory = 'x' x (1 << 20);
  my $start = clock_gettime(1);
  my $result = $waits{$name}->($start, pack('qq', $seconds, 0), $seconds, $reader, $epoll, $idle);
  my $why = $result < 0 ? $! + 0 : 0;
  printf "%s\\t%d\\t%d\\t%.3f\\n", $name, $result, $why, clock_gettime(1) - $start;
  sleep 1000;
}
print "ready\\n"; sleep 1000;
`;

class Programs {
  readonly heard = new Map<string, string[]>();
  private constructor(private readonly child: ChildProcess, private readonly lines: Interface) {}

  static async start(names: readonly string[]): Promise<Programs> {
    const child = spawn('unshare', ['--pid', '--fork', '--kill-child', '--mount-proc', 'perl', '-e', program, String(seconds), ...names], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface(child.stdout!);
    const programs = new Programs(child, lines);
    const ready = new Promise<void>((resolve) => {
      lines.on('line', (line) => {
        const [name, ...words] = line.split('\t');
        if (name === 'ready') resolve();
        else programs.heard.set(name!, words);
      });
    });
    await ready;
    return programs;
  }

  /** As this machine numbers it. */
  get init(): number {
    return childrenOf(this.child.pid!)[0]!;
  }

  get members(): number[] {
    return childrenOf(this.init);
  }

  async end(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
    this.lines.close();
  }
}

class Tracker {
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;

  constructor(init: number) {
    this.child = spawn(helper, ['track-writes', String(init)], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = createInterface(this.child.stdout!)[Symbol.asyncIterator]();
  }

  async order(pids: number[]): Promise<TrackerAnswer> {
    this.child.stdin!.write(`${JSON.stringify({ pids })}\n`);
    return JSON.parse((await this.lines.next()).value as string) as TrackerAnswer;
  }

  async end(): Promise<number> {
    const ended = once(this.child, 'exit');
    this.child.stdin!.end();
    return (await ended)[0] as number;
  }
}

const isTracked = (pid: number): boolean => /^VmFlags:.* uw\b/m.test(readFileSync(`/proc/${pid}/smaps`, 'latin1'));
const contexts = (pids: number[]): unknown[] => pids.flatMap((pid) => descriptorsOf(pid)).filter(({ target }) => target === contextName);

describeAsRoot('making processes track their writes', () => {
  let alone: Programs;
  let tracked: Programs;
  beforeAll(async () => {
    await ensureBuilt();
  }, 300_000);
  afterAll(async () => {
    await alone?.end();
    await tracked?.end();
  });

  test('goes unnoticed in every call', async () => {
    [alone, tracked] = await Promise.all([Programs.start(Object.keys(waits)), Programs.start(Object.keys(waits))]);
    const { init, members } = tracked;
    expect(members).toHaveLength(Object.keys(waits).length);
    for (let order = 0; order < orders; order++) {
      const tracker = new Tracker(init);
      const answer = await tracker.order(members);
      expect(answer.tracked.length).toBeGreaterThanOrEqual(members.length - 1); // a loop with a time limit may be passed over
      for (const { pid } of answer.tracked) expect(isTracked(pid)).toBe(true);
      expect(contexts([init, ...members])).toEqual([]);
      expect(await tracker.end()).toBe(0);
      for (const pid of members) expect(isTracked(pid)).toBe(false);
      await delay(300);
    }
    while (tracked.heard.size < members.length || alone.heard.size < members.length) await delay(20);
    for (const name of Object.keys(waits)) {
      const [[result, errno, waitedS], [otherResult, otherErrno, otherWaitedS]] = [tracked.heard.get(name)!, alone.heard.get(name)!];
      expect([name, result, errno]).toEqual([name, otherResult, otherErrno]);
      expect([name, Math.abs(Number(waitedS) - Number(otherWaitedS)) < 1]).toEqual([name, true]); // begun anew it would wait as long again
    }
  }, 60_000);

  test('leaves out what is stopped, and takes away what a child has inherited', async () => {
    const program = String.raw`$| = 1; my $memory = 'x' x (1 << 20); if (!fork) { syscall(323, 02000000 | 1); print "inherited\n"; sleep 1000 } if (!fork) { kill 'STOP', $$; sleep 1000 } sleep 1000`;
    const child = spawn('unshare', ['--pid', '--fork', '--kill-child', '--mount-proc', 'perl', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(child.stdout, 'data');
      const init = childrenOf(child.pid!)[0]!;
      while (!childrenOf(init).some((pid) => /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'latin1')))) await delay(5);
      const [heir, stopped] = childrenOf(init) as [number, number];
      expect(contexts([heir])).toHaveLength(1);
      const tracker = new Tracker(init);
      const answer = await tracker.order([init, stopped]);
      expect(answer.tracked.map(({ pid }) => pid)).toEqual([init]);
      expect(answer.left).toEqual([{ pid: stopped, why: 'It is stopped.' }]);
      expect(contexts([init, heir, stopped])).toEqual([]);
      await tracker.end();
    } finally {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
  });
});
