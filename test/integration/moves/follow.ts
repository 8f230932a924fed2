/** Memory that is put in place when the POD runs on its target already: all of it, whatever its programs and whoever kills the pager do meanwhile. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { MoveReport } from '../../../main/moves/coordinator';
import { forgetMoments } from '../support/moment';
import type { HostName, Suite } from '../support/suite';
import { until } from '../support/until';

const pod = 'followed';
/** Knows of each of its 36,000 pages what must be in it; counts rounds, and pages that are wrong. */
const program = String.raw`
import ctypes, json, mmap, os, random, struct, threading, time
page, count, small = 4096, 36000, 2000
libc = ctypes.CDLL(None, use_errno=True)
libc.mremap.restype = ctypes.c_void_p
wrong, rounds, threads, forks, note = [], 0, 0, 0, threading.Lock()
def region(pages):
    return mmap.mmap(-1, pages * page, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
def stamp(seed, index): return struct.pack('<QQ', seed, index * 2654435761 + seed)
def fill(memory, seed, pages):
    for index in range(pages):
        memory[index * page:index * page + 16] = stamp(seed, index)
        memory[index * page + 4080:index * page + 4096] = stamp(seed + 1, index)
def check(what, memory, seed, indexes):
    for index in indexes:
        if memory[index * page:index * page + 16] != stamp(seed, index) or memory[index * page + 4080:index * page + 4096] != stamp(seed + 1, index):
            with note: wrong.append([what, index])
main = region(count); fill(main, 7, count)
moved = region(small); fill(moved, 70, small)
thrown = region(small); fill(thrown, 700, small)
def touch():
    global threads
    while True:
        for _ in range(300): check('thread', main, 7, [random.randrange(count)])
        with note: threads += 1
        time.sleep(.005)
for _ in range(3): threading.Thread(target=touch, daemon=True).start()
def child(what, memory, seed, pages):
    pid = os.fork()
    if pid == 0:
        wrong.clear(); check(what, memory, seed, range(pages))
        os._exit(1 if wrong else 0)
    return pid
while True:
    children = [child('child', main, 7, count), child('child of moved', moved, 70, small)] if os.path.exists('/tmp/forks') else []
    half = small // 2
    thrown.madvise(mmap.MADV_DONTNEED, 0, half * page)
    for index in range(half):
        if any(thrown[index * page:index * page + 16]): wrong.append(['thrown out', index])
    check('kept', thrown, 700, range(half, small))
    for _ in range(2):
        moved.resize((small + 1 + rounds % 3) * page)
        check('moved', moved, 70, range(small))
    gone = region(100); fill(gone, 5, 100); gone.close()
    for pid in children:
        if os.waitpid(pid, 0)[1] != 0: wrong.append(['child', pid])
        forks += 1
    fill(thrown, 700, small)
    moved.close(); moved = region(small); fill(moved, 70, small)
    rounds += 1
    with open('/tmp/seen.new', 'w') as out: json.dump({'rounds': rounds, 'threads': threads, 'forks': forks, 'wrong': wrong[:20]}, out)
    os.rename('/tmp/seen.new', '/tmp/seen')
    time.sleep(.01)
`;

interface Seen {
  rounds: number;
  threads: number;
  forks: number;
  wrong: unknown[];
}

export function follow(suite: Suite): void {
  describe('memory that follows', () => {
    let host: HostName = 'alpha';
    const setting = readFileSync('/proc/sys/vm/unprivileged_userfaultfd', 'utf8');
    const seen = async (): Promise<Seen> => JSON.parse((await suite.exec(pod, 'cat', '/tmp/seen')).stdout) as Seen;
    const processes = async (on: HostName, verb: string): Promise<number[]> => (await suite.view(on).programs('zap-helper')).filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[1] === verb);
    /** What is global is as it was. */
    const requireSettings = (): void => expect(readFileSync('/proc/sys/vm/unprivileged_userfaultfd', 'utf8')).toBe(setting);
    /** What the POD's program sees from now on, in whole rounds: they end only when all of its memory was read. */
    const requireWhole = async (): Promise<void> => {
      const { rounds } = await seen();
      const after = await until('two rounds', async () => { const now = await seen(); return now.rounds >= rounds + 2 ? now : undefined; }, { withinMs: 60_000 });
      expect(after.wrong).toEqual([]);
    };
    const whenFilled = async (on: HostName): Promise<unknown> => until('all memory in place', async () => (await suite.view(on).programs('zap-helper')).length === 0, { withinMs: 30_000 });
    /** It forks only when it is to: while it does, what its processes share makes it look smaller than it is. */
    const fork = async (isWanted: boolean): Promise<void> => {
      await suite.exec(pod, ...(isWanted ? ['touch', '/tmp/forks'] : ['rm', '-f', '/tmp/forks']));
      const { rounds, forks } = await seen();
      await until('the next rounds', async () => { const now = await seen(); return now.rounds > rounds + 1 && (!isWanted || now.forks > forks); }, { withinMs: 60_000 });
    };
    const move = async (to: HostName): Promise<MoveReport> => {
      const report = await suite.zap.json<MoveReport>('pod', 'move', pod, to, '--memory-follows');
      host = to;
      return report;
    };
    /** Nothing is put in place by itself on this host until `goOn`. */
    const holdBack = async (on: HostName): Promise<{ goOn: () => void }> => {
      await until(`no helper on ${on}`, async () => (await suite.view(on).programs('zap-helper')).length === 0, { withinMs: 30_000 });
      mkdirSync(suite.view(on).path('run/zap/faults'), { recursive: true, mode: 0o700 });
      const order = suite.view(on).path('run/zap/faults/pager-follow');
      writeFileSync(order, '');
      return { goOn: () => rmSync(order, { force: true }) };
    };

    beforeAll(async () => {
      await suite.create(pod, { host, options: ['--network', 'none'], command: ['python3', '-c', program] });
      await until('the program', async () => (await seen().catch(() => undefined)) !== undefined, { withinMs: 60_000 });
      await move('beta');
    }, 180_000);
    afterEach(() => {
      for (const name of ['alpha', 'beta'] as const) forgetMoments(suite.view(name));
    });
    afterAll(() => suite.delete(pod), 60_000);

    test('is planned for a POD with much of it, and told', async () => {
      const plan = await suite.zap.json<{ memoryFollows: boolean; findings: { id: string }[] }>('pod', 'move', pod, suite.other(host), '--memory-follows', '--dry-run');
      expect(plan.memoryFollows).toBe(true);
      expect(plan.findings.map(({ id }) => id)).toContain('move/memory-follows');
    });

    test('comes whole, while programs fault, fork, move and throw out what is not there yet', async () => {
      const to = suite.other(host);
      const held = await holdBack(to);
      await move(to);
      await fork(true);
      expect(await processes(to, 'fill')).toHaveLength(1);
      held.goOn();
      await whenFilled(to);
      await requireWhole();
      await fork(false);
      requireSettings();
    }, 180_000);

    test('outlives its pager, the keeper of that, and the helper', async () => {
      const to = suite.other(host);
      const held = await holdBack(to);
      await move(to);
      await fork(true);
      for (const verb of ['serve', 'fill', 'fill', 'keep-filling']) {
        for (const pid of await processes(to, verb)) process.kill(pid, 'SIGKILL');
        if (verb === 'fill') await until('another pager', async () => (await processes(to, 'fill')).length === 1 && (await processes(to, 'fill'))[0] !== undefined);
        const { threads } = await seen();
        await until('threads that are answered', async () => (await seen()).threads > threads, { withinMs: 60_000 });
      }
      held.goOn();
      await whenFilled(to);
      await requireWhole();
      await fork(false);
    }, 180_000);

    test('is waited for when pager and keeper are killed together, until the next helper has another pager', async () => {
      const to = suite.other(host);
      const holders = async (): Promise<number> => (await suite.view(to).programs('sleep')).length;
      const before = await holders();
      const held = await holdBack(to);
      await move(to);
      await fork(true);
      for (const verb of ['serve', 'keep-filling', 'fill']) for (const pid of await processes(to, verb)) process.kill(pid, 'SIGKILL');
      await until('all of Zap to be gone', async () => (await suite.view(to).programs('zap-helper')).length === 0);
      const { threads } = await seen(); // asks a helper
      await until('threads that are answered', async () => (await seen()).threads > threads, { withinMs: 60_000 });
      expect(await processes(to, 'fill')).toHaveLength(1);
      held.goOn();
      await whenFilled(to);
      await requireWhole();
      await fork(false);
      expect(await holders()).toBe(before);
    }, 180_000);

    test('is waited for by the next move, and by nobody who deletes the POD', async () => {
      const to = suite.other(host);
      const held = await holdBack(to);
      await move(to);
      const args = ['pod', 'move', pod, suite.other(to), '--memory-follows', '--json'];
      const next = suite.zap.start(args);
      await delay(1500);
      expect(suite.view(to).record(pod)!.state.kind).not.toBe('suspended');
      expect(await processes(to, 'fill')).toHaveLength(1);
      held.goOn();
      expect((await next.ended).exitCode).toBe(0);
      host = suite.other(to);
      await requireWhole();
      const { id, uidBase, name, state } = suite.view(host).record(pod)!;
      await holdBack(to);
      await move(to);
      await suite.delete(pod);
      await suite.requireGone(to, { id, uidBase, name, state });
      expect(await processes(to, 'fill')).toEqual([]);
      expect(await processes(to, 'keep-filling')).toEqual([]);
    }, 180_000);
  });
}
