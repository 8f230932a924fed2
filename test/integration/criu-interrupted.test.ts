/**
 * CRIU killed in the middle of a dump, at moments spread over all of it.
 *
 * With its warden no process is lost: all threads count on, all connections are used, the next dump succeeds. Without it (it was killed as well) the
 * kernel lets the processes go wherever CRIU had them, and some are past saving; then it is known which, and none of the others hangs.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { CriuGuard, type Rescue } from '../../helper/criu/guard';
import { mendInterruptedDump } from '../../helper/criu/interrupted-dump';
import { dumpOptions } from '../../helper/criu/options';
import { startProbeTree, type ProbeTree } from '../../helper/criu/probe';
import { descendants } from '../../helper/criu/process-tree';
import { CriuSession } from '../../helper/criu/session';
import { createGroups, enterGroups, freezeGroup, groupThreads, removeGroups } from '../../helper/system/cgroup';
import { identify, isAlive, type ProcessIdentity } from '../../helper/system/process';
import { processorsOf } from '../../helper/system/scheduling';
import { endTcpRepair } from '../../helper/system/tcp-repair';
import { describeWithCriu } from './criu-here';
import { until } from './support/until';

const kills = 64;
const killsWithoutWarden = 12;
const processes = 3;
const threads = 5;
const podId = `interrupted-${process.pid}`;
const top = join(import.meta.dirname, '../..');

/** Each thread counts in a file of its own, with numbers in registers that no call keeps; each process has a connection to itself that it uses once for each SIGUSR2. */
const program = `
use threads; use IO::Select; use IO::Socket;
my ($directory, $processes, $threads) = @ARGV;
system('ip', 'link', 'set', 'lo', 'up') == 0 or die;
my $number = 0;
while ($number < $processes - 1 && !fork) { $number++ }
my ($ticks, $echoes, $asked) = (0, 0, 0);
sub put { open my $file, '>', "$directory/$number.$_[0]" or die; print $file $_[1]; close $file }
sub work { my $name = shift; my ($count, $sum) = (0, 0.5); for (;;) { select undef, undef, undef, 0.002; $sum += 0.25 * (1 + $_ % 3) for 1 .. 300; $count++; $sum == 0.5 + 150 * $count or die; put($name, $count) } }
threads->create(\\&work, "thread$_") for 1 .. $threads;
my $server = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', ReuseAddr => 1) or die;
my $client = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $server->sockport) or die;
my $accepted = $server->accept;
$SIG{USR2} = sub { $asked++ };
my $select = IO::Select->new($client, $accepted);
put('ready', 1);
for (;;) {
  put('ticks', ++$ticks);
  while ($asked > 0) { $asked--; syswrite $client, 'x' or die }
  for my $socket ($select->can_read(0.003)) {
    sysread $socket, my $byte, 1 or die;
    if ($socket == $accepted) { syswrite $accepted, $byte or die } else { put('echoes', ++$echoes) }
  }
}
`;

interface Dump {
  dumpMs: number;
  isKilled: boolean;
  rescue: Rescue | undefined;
}

class BusyTree {
  readonly directory = mkdtempSync(join(tmpdir(), 'zap-interrupted-'));
  readonly images = join(this.directory, 'images');
  all: ProcessIdentity[] = [];
  private tree: ProbeTree | undefined;

  static async start(): Promise<BusyTree> {
    const tree = new BusyTree();
    writeFileSync(join(tree.directory, 'program.pl'), program);
    tree.tree = await startProbeTree({ program: ['perl', join(tree.directory, 'program.pl'), tree.directory, String(processes), String(threads)], isRootWritable: true });
    await until('the tree', () => Array.from({ length: processes }, (_, number) => tree.read(number, 'ready')).every((value) => value > 0));
    tree.all = [tree.init, ...descendants(tree.init)].map((pid) => identify(pid)!);
    const groups = createGroups(podId, {});
    for (const { pid } of tree.all) enterGroups(groups, pid);
    return tree;
  }

  get init(): number {
    return this.tree!.initPid;
  }

  read(number: number, name: string): number {
    try {
      return Number(readFileSync(join(this.directory, `${number}.${name}`), 'utf8'));
    } catch {
      return 0;
    }
  }

  living(): number[] {
    return this.all.filter(isAlive).map(({ pid }) => pid);
  }

  /** Every process that lives counts on with all its threads, and is heard over its connection. */
  async requireSound(): Promise<void> {
    for (const [number, process] of this.all.entries()) {
      if (!isAlive(process)) continue;
      const counters = ['ticks', 'echoes', ...Array.from({ length: threads }, (_, index) => `thread${index + 1}`)];
      const before = counters.map((name) => this.read(number, name));
      globalThis.process.kill(process.pid, 'SIGUSR2');
      await until(`process ${number} to go on`, () => counters.every((name, index) => this.read(number, name) > before[index]!), { withinMs: 10_000 });
    }
  }

  /** Dumps and lets go on; `killAfterMs` counts from the moment when all stands still. */
  async dump(binary: string, { killAfterMs, isWardenKilled = false }: { killAfterMs?: number; isWardenKilled?: boolean } = {}): Promise<Dump> {
    rmSync(this.images, { recursive: true, force: true });
    mkdirSync(this.images);
    await using session = await CriuSession.start({ binary, workDirectory: this.directory });
    const guard = CriuGuard.start({ criuPid: session.pid, podId, note: join(this.directory, 'processors'), program: join(top, 'dist/zap-helper') });
    await guard.ready();
    if (isWardenKilled) process.kill(guard.pid!, 'SIGKILL');
    let lockedMs = 0;
    let dumpMs = 0;
    const work = session.dump({ ...dumpOptions({ initPid: this.init, imagesDirectory: this.images }), lazyPages: true }, {
      networkLock: async () => {
        guard.gather();
        lockedMs = performance.now();
        if (killAfterMs !== undefined) setTimeout(() => session.kill(), killAfterMs);
      },
      postDump: async () => {
        dumpMs = performance.now() - lockedMs;
        return 'resume';
      },
    });
    const isKilled = await work.then(() => false, (error: { code: string }) => {
      if (killAfterMs === undefined || error.code !== 'criu/died') throw error;
      return true;
    });
    await session.exited;
    return { dumpMs, isKilled, rescue: await guard.settled() };
  }

  async end(): Promise<void> {
    freezeGroup(podId, false);
    await this.tree!.end();
    await removeGroups(podId);
    rmSync(this.directory, { recursive: true });
  }
}

describeWithCriu('CRIU that is killed in the middle of a dump', (binary) => {
  test(`${kills} times: no process is lost, every thread and connection goes on, and on its own processors`, async () => {
    const tree = await BusyTree.start();
    const tally = { killed: 0, mended: 0, connections: 0 };
    try {
      await tree.dump(binary);
      const { dumpMs } = await tree.dump(binary);
      await tree.requireSound();
      const processors = groupThreads(podId).map((tid) => processorsOf(tid)?.toString('hex'));
      for (let kill = 0; kill < kills; kill++) {
        const { isKilled, rescue } = await tree.dump(binary, { killAfterMs: (dumpMs * kill) / kills });
        if (!isKilled) continue;
        expect(rescue?.unknown).toEqual([]);
        expect(freezeGroup(podId)).toBe(true);
        expect(groupThreads(podId).map((tid) => processorsOf(tid)?.toString('hex'))).toEqual(processors);
        const aftermath = await mendInterruptedDump(tree.all[0]!, tree.all.map(({ pid }) => pid), () => void freezeGroup(podId, false));
        expect(aftermath.lost).toEqual([]);
        tally.killed += 1;
        tally.mended += rescue!.mended.length;
        tally.connections += aftermath.connections;
        await tree.requireSound();
        if (kill % 8 === 7) await tree.dump(binary);
      }
      expect(tree.living()).toHaveLength(processes);
      await tree.dump(binary);
      await tree.requireSound();
      console.log(`CRIU killed with its warden there: ${JSON.stringify(tally)}`);
      expect(tally.killed).toBeGreaterThan(kills / 2);
      expect(tally.mended).toBeGreaterThan(0);
      expect(tally.connections).toBeGreaterThan(0);
    } finally {
      await tree.end();
    }
  }, 180_000);

  test(`${killsWithoutWarden} times with its warden: it is known which processes ended with it, and all others go on, with their connections`, async () => {
    let tree = await BusyTree.start();
    try {
      const { dumpMs } = await tree.dump(binary);
      for (let kill = 0; kill < killsWithoutWarden; kill++) {
        const before = tree.all.filter(isAlive);
        const { isKilled, rescue } = await tree.dump(binary, { killAfterMs: (dumpMs * kill) / killsWithoutWarden, isWardenKilled: true });
        expect(rescue).toBeUndefined();
        if (isKilled) {
          const aftermath = await mendInterruptedDump(tree.all[0]!, before.map(({ pid }) => pid));
          await delay(30);
          expect(aftermath.lost).toEqual(before.filter((one) => !isAlive(one)).map(({ pid }) => pid));
        }
        expect(endTcpRepair(tree.living())).toBe(0);
        await tree.requireSound();
        if (tree.living().length < tree.all.length) {
          await tree.end();
          tree = await BusyTree.start();
        }
      }
      await tree.dump(binary);
      await tree.requireSound();
    } finally {
      await tree.end();
    }
  }, 180_000);
});
