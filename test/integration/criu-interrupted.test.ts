/**
 * CRIU killed in the middle of a dump, at moments spread over all of it.
 *
 * The kernel lets the processes go wherever CRIU had them; some are past saving. What counts: it is known which, none of the others ever hangs, their
 * connections go on, and the next dump succeeds.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { mendInterruptedDump } from '../../helper/criu/interrupted-dump';
import { dumpOptions } from '../../helper/criu/options';
import { startProbeTree, type ProbeTree } from '../../helper/criu/probe';
import { descendants } from '../../helper/criu/process-tree';
import { CriuSession } from '../../helper/criu/session';
import { identify, isAlive, type ProcessIdentity } from '../../helper/system/process';
import { endTcpRepair } from '../../helper/system/tcp-repair';
import { describeWithCriu } from './criu-here';
import { until } from './support/until';

const kills = 32;
const processes = 3;

/** Each process counts in a file of its own, and has a connection to itself that it uses once for each SIGUSR2. */
const program = `
use IO::Select; use IO::Socket;
my ($directory, $processes) = @ARGV;
system('ip', 'link', 'set', 'lo', 'up') == 0 or die;
my $number = 0;
while ($number < $processes - 1 && !fork) { $number++ }
my ($ticks, $echoes, $asked) = (0, 0, 0);
sub put { open my $file, '>', "$directory/$number.$_[0]" or die; print $file $_[1]; close $file }
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

class BusyTree {
  readonly directory = mkdtempSync(join(tmpdir(), 'zap-interrupted-'));
  readonly images = join(this.directory, 'images');
  all: ProcessIdentity[] = [];
  private tree: ProbeTree | undefined;

  static async start(): Promise<BusyTree> {
    const tree = new BusyTree();
    writeFileSync(join(tree.directory, 'program.pl'), program);
    tree.tree = await startProbeTree({ program: ['perl', join(tree.directory, 'program.pl'), tree.directory, String(processes)], isRootWritable: true });
    await until('the tree', () => Array.from({ length: processes }, (_, number) => tree.read(number, 'ready')).every((value) => value > 0));
    tree.all = [tree.init, ...descendants(tree.init)].map((pid) => identify(pid)!);
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

  /** Every process that lives counts on, and is heard over its connection. */
  async requireSound(): Promise<void> {
    for (const [number, process] of this.all.entries()) {
      if (!isAlive(process)) continue;
      const [ticks, echoes] = [this.read(number, 'ticks'), this.read(number, 'echoes')];
      globalThis.process.kill(process.pid, 'SIGUSR2');
      await until(`process ${number} to go on`, () => this.read(number, 'ticks') > ticks && this.read(number, 'echoes') > echoes, { withinMs: 10_000 });
    }
  }

  /** Dumps and lets go on; `killAfterMs` counts from the moment when all stands still. */
  async dump(binary: string, killAfterMs?: number): Promise<{ dumpMs: number; isKilled: boolean }> {
    rmSync(this.images, { recursive: true, force: true });
    mkdirSync(this.images);
    await using session = await CriuSession.start({ binary, workDirectory: this.directory });
    let lockedMs = 0;
    let dumpMs = 0;
    const work = session.dump({ ...dumpOptions({ initPid: this.init, imagesDirectory: this.images }), lazyPages: true }, {
      networkLock: async () => {
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
    return { dumpMs, isKilled };
  }

  async end(): Promise<void> {
    await this.tree!.end();
    rmSync(this.directory, { recursive: true });
  }
}

describeWithCriu('CRIU that is killed in the middle of a dump', (binary) => {
  test(`${kills} times: it is known which processes ended with it, and all others go on, with their connections`, async () => {
    let tree = await BusyTree.start();
    const tally = { survived: 0, 'lost some': 0, connections: 0 };
    try {
      const { dumpMs } = await tree.dump(binary);
      await tree.requireSound();
      for (let kill = 0; kill < kills; kill++) {
        const before = tree.all.filter(isAlive);
        const { isKilled } = await tree.dump(binary, (dumpMs * kill) / kills);
        if (isKilled) {
          const aftermath = await mendInterruptedDump(tree.all[0]!, before.map(({ pid }) => pid));
          await delay(30);
          expect(aftermath.lost).toEqual(before.filter((one) => !isAlive(one)).map(({ pid }) => pid));
          tally[aftermath.lost.length === 0 ? 'survived' : 'lost some'] += 1;
          tally.connections += aftermath.connections;
        }
        expect(endTcpRepair(tree.living())).toBe(0);
        await tree.requireSound();
        if (tree.living().length === tree.all.length) {
          await tree.dump(binary);
          await tree.requireSound();
        } else {
          await tree.end();
          tree = await BusyTree.start();
        }
      }
      console.log(`CRIU killed ${kills} times: ${JSON.stringify(tally)}`);
      expect(tally.survived).toBeGreaterThan(kills / 3);
      expect(tally.connections).toBeGreaterThan(0);
    } finally {
      await tree.end();
    }
  }, 180_000);
});
