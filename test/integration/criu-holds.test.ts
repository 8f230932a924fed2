/** What becomes of a tree when the process that holds it is killed. */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { dumpOptions } from '../../helper/criu/options';
import { identify, isAlive } from '../../helper/system/process';
import { describeWithCriu } from './criu-here';
import { endTree, isPidAlive, useTickingTree } from './criu-ticking-tree';

describeWithCriu('a held tree', (binary) => {
  const ticking = useTickingTree(binary);

  test('the tree runs on when the process that holds the dump is killed', async () => {
    const holder = await ticking().hold(
      `void CriuSession.start({ binary, workDirectory }).then((session) =>
        session.dump(dumpOptions({ initPid: Number(args[0]), imagesDirectory }), { postDump: () => held(session.pid) }));`,
      String(ticking().initPid),
    );
    const criu = identify(holder.numbers[0]!)!;
    expect(await ticking().standsStill()).toBe(true);
    holder.kill();
    expect(await ticking().hasProgress()).toBe(true);
    await expect.poll(() => isAlive(criu)).toBe(false);
    expect(isPidAlive(ticking().initPid)).toBe(true);
  });

  test('nothing is left when the process that holds the restore at post-restore is killed', async () => {
    await using dumper = await ticking().startSession();
    await dumper.dump(dumpOptions({ initPid: ticking().initPid, imagesDirectory: ticking().imagesDirectory }));
    const holder = await ticking().hold(
      `void CriuSession.start({ binary, workDirectory }).then((session) =>
        session.restore(restoreOptions({ imagesDirectory, rootDirectory: args[0] }), { postRestore: (initPid) => held(initPid, session.pid) }));`,
      ticking().rootDirectory,
    );
    const [init, criu] = holder.numbers.map((pid) => identify(pid)!);
    expect(await ticking().standsStill()).toBe(true);
    holder.kill();
    await expect.poll(() => isAlive(criu!)).toBe(false);
    expect(isAlive(init!)).toBe(false);
    expect(await ticking().standsStill()).toBe(true);
  });

  test('a tree that was restored into a frozen cgroup waits there, complete, whatever becomes of the processes around it', async () => {
    const unified = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').find((line) => line.includes(' - cgroup2 '))!.split(' ')[4]!;
    const ownGroup = join(unified, /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))![1]!);
    const group = join(unified, `zap-session-test-${process.pid}`);
    mkdirSync(group);
    let initPid = 0;
    try {
      await using dumper = await ticking().startSession();
      await dumper.dump(dumpOptions({ initPid: ticking().initPid, imagesDirectory: ticking().imagesDirectory }));
      const holder = await ticking().hold(
        `const [rootDirectory, group, ownGroup] = args;
        const procs = (group) => [group + '/cgroup.procs'];
        void CriuSession.start({ binary, workDirectory, cgroupProcs: procs(group), cgroupProcsOnceForked: procs(ownGroup) }).then(async (session) => {
          const { initPid } = await session.restore(restoreOptions({ imagesDirectory, rootDirectory }), {
            preResume: async () => writeFileSync(group + '/cgroup.freeze', '1') });
          await held(initPid, session.pid); });`,
        ticking().rootDirectory, group, ownGroup,
      );
      initPid = holder.numbers[0]!;
      holder.kill();
      expect(await ticking().standsStill()).toBe(true);
      expect(isPidAlive(initPid)).toBe(true);
      expect(readFileSync(`/proc/${initPid}/status`, 'utf8')).toMatch(/TracerPid:\s+0\n/);
      expect(readFileSync(join(group, 'cgroup.procs'), 'utf8')).not.toContain(String(holder.numbers[1]));
      writeFileSync(join(group, 'cgroup.freeze'), '0');
      expect(await ticking().hasProgress()).toBe(true);
    } finally {
      writeFileSync(join(group, 'cgroup.freeze'), '0');
      if (initPid !== 0) await endTree(initPid);
      await vi.waitFor(() => rmdirSync(group)); // empty a moment after its last process was reaped
    }
  });
});
