/** The engine against a real CRIU and a real tree. */
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { rewriteForClone } from '../../helper/criu/images';
import { dumpOptions, restoreOptions } from '../../helper/criu/options';
import { probeCriu } from '../../helper/criu/probe';
import { CriuSession } from '../../helper/criu/session';
import { run } from '../../helper/system/spawn';
import { describeWithCriu } from './criu-here';
import { endTree, isPidAlive, useTickingTree } from './criu-ticking-tree';

describeWithCriu('a CRIU session', (binary) => {
  const ticking = useTickingTree(binary);

  test('dumps, holds the frozen tree, kills it, and restores it with the same pids inside', async () => {
    await using dumper = await ticking().startSession();
    const heard: string[] = [];
    const dump = await dumper.dump(dumpOptions({ initPid: ticking().initPid, imagesDirectory: ticking().imagesDirectory }), {
      preDump: async () => void heard.push('pre-dump'),
      networkLock: async () => void heard.push('network-lock'),
      postDump: async () => {
        expect(isPidAlive(ticking().initPid)).toBe(true);
        expect(await ticking().standsStill()).toBe(true);
        return 'kill';
      },
    });
    expect(heard).toEqual(['pre-dump', 'network-lock']);
    expect(dump.tree).toBe('killed');
    expect(dump.stages.map((stage) => stage.stage)).toEqual(expect.arrayContaining(['pre-dump', 'network-lock', 'post-dump']));
    expect(dump.times!.frozenMs).toBeGreaterThan(150);
    expect(dump.times!.pagesWritten).toBeGreaterThan(0);
    expect(isPidAlive(ticking().initPid)).toBe(false);

    await using restorer = await ticking().startSession();
    let heldPid = 0;
    const restore = await restorer.restore(restoreOptions({ imagesDirectory: ticking().imagesDirectory, rootDirectory: ticking().rootDirectory }), {
      preResume: async (initPid) => {
        heldPid = initPid;
        expect(readFileSync(`/proc/${initPid}/stat`, 'utf8')).toMatch(/\) t /);
        expect(await ticking().standsStill()).toBe(true);
      },
    });
    try {
      expect(restore.initPid).toBe(heldPid);
      expect(readFileSync(`/proc/${restore.initPid}/status`, 'utf8')).toMatch(/NSpid:\s+\d+\s+1\n/);
      expect(restore.times!.restoreMs).toBeGreaterThan(0);
      expect(await ticking().hasProgress()).toBe(true);
    } finally {
      await endTree(restore.initPid);
    }
  });

  test('lets the tree run on when the hold is answered with resume, and can dump it again', async () => {
    for (let round = 0; round < 2; round++) {
      await using session = await ticking().startSession();
      const outcome = await session.dump(dumpOptions({ initPid: ticking().initPid, imagesDirectory: ticking().imagesDirectory }), { postDump: async () => 'resume' });
      expect(outcome.tree).toBe('resumed');
      expect(outcome.times).toBeUndefined();
      expect(await ticking().hasProgress()).toBe(true);
      rmSync(ticking().imagesDirectory, { recursive: true });
      mkdirSync(ticking().imagesDirectory);
    }
  });

  test('rejects with the error of the hook that failed, the tree running', async () => {
    for (const hook of ['preDump', 'networkLock', 'postDump'] as const) {
      await using session = await ticking().startSession();
      const dump = session.dump(dumpOptions({ initPid: ticking().initPid, imagesDirectory: ticking().imagesDirectory }), { [hook]: () => Promise.reject(new Error(`no ${hook}`)) });
      await expect(dump).rejects.toThrow(`no ${hook}`);
      expect(await ticking().hasProgress()).toBe(true);
    }
  });

  test('leaves the original of a clone running', async () => {
    await using session = await ticking().startSession();
    const outcome = await session.dump(dumpOptions({ initPid: ticking().initPid, imagesDirectory: ticking().imagesDirectory, isClone: true }));
    expect(outcome.tree).toBe('left-running');
    expect(await ticking().hasProgress()).toBe(true);
  });

  test('leaves nothing of a restore that is refused at any stage', async () => {
    await using dumper = await ticking().startSession();
    await dumper.dump(dumpOptions({ initPid: ticking().initPid, imagesDirectory: ticking().imagesDirectory }));
    for (const hook of ['setupNamespaces', 'postRestore', 'preResume'] as const) {
      let initPid = 0;
      await using restorer = await ticking().startSession();
      const restore = restorer.restore(restoreOptions({ imagesDirectory: ticking().imagesDirectory, rootDirectory: ticking().rootDirectory }), {
        [hook]: async (pid: number) => {
          initPid = pid;
          throw new Error(`no ${hook}`);
        },
      });
      await expect(restore).rejects.toThrow(`no ${hook}`);
      expect(initPid).toBeGreaterThan(1);
      expect(isPidAlive(initPid)).toBe(false);
      expect(await ticking().standsStill()).toBe(true);
    }
  });

  test('leaves nothing when CRIU itself is killed while the restored tree is held', async () => {
    await using dumper = await ticking().startSession();
    await dumper.dump(dumpOptions({ initPid: ticking().initPid, imagesDirectory: ticking().imagesDirectory }));
    for (const hook of ['postRestore', 'preResume'] as const) {
      let initPid = 0;
      await using restorer = await ticking().startSession();
      const restore = restorer.restore(restoreOptions({ imagesDirectory: ticking().imagesDirectory, rootDirectory: ticking().rootDirectory }), {
        [hook]: async (pid: number) => {
          initPid = pid;
          process.kill(restorer.pid, 'SIGKILL');
          await restorer.exited;
        },
      });
      await expect(restore).rejects.toMatchObject({ code: 'criu/died' });
      expect(isPidAlive(initPid)).toBe(false);
      expect(await ticking().standsStill()).toBe(true);
    }
  });

  test('says what CRIU said when it fails', async () => {
    await using session = await ticking().startSession();
    const restore = session.restore(restoreOptions({ imagesDirectory: ticking().imagesDirectory, rootDirectory: ticking().rootDirectory }));
    await expect(restore).rejects.toMatchObject({ code: 'criu/image-unreadable', evidence: [expect.stringContaining('Unexpected EOF')] });
  });

  test('a clone gets its host ids and its host name from the rewritten images', async () => {
    await using dumper = await ticking().startSession();
    await dumper.dump(dumpOptions({ initPid: ticking().initPid, imagesDirectory: ticking().imagesDirectory, isClone: true }));
    rewriteForClone(ticking().imagesDirectory, { hostIdBase: 1_500_000, hostName: 'the-copy' });
    chmodSync(ticking().tickFile, 0o666); // the copy's root is nobody's root here
    await using restorer = await ticking().startSession();
    const { initPid } = await restorer.restore(restoreOptions({ imagesDirectory: ticking().imagesDirectory, rootDirectory: ticking().rootDirectory, isClone: true }));
    try {
      expect(readFileSync(`/proc/${initPid}/uid_map`, 'utf8').trim().split(/\s+/)).toEqual(['0', '1500000', '1']);
      const { stdout } = await run('nsenter', ['--target', String(initPid), '--uts', 'hostname']);
      expect(stdout.trim()).toBe('the-copy');
      expect(isPidAlive(ticking().initPid)).toBe(true);
      expect(statSync(ticking().imagesDirectory)).toMatchObject({ mode: 0o40710, uid: 0, gid: 1_500_000 });
    } finally {
      await endTree(initPid);
    }
  });

  test('works through a CRIU that is not there with a name for it', async () => {
    await expect(CriuSession.start({ binary: '/no/such/criu', workDirectory: ticking().directory })).rejects.toMatchObject({ code: 'criu/not-startable' });
    await using session = await CriuSession.start({ binary: '/bin/false', workDirectory: ticking().directory });
    await expect(session.dump(dumpOptions({ initPid: ticking().initPid, imagesDirectory: ticking().imagesDirectory }))).rejects.toMatchObject({ code: 'criu/died' });
  });

  test('the probe gives up on a CRIU that hangs, and leaves nothing', async () => {
    const hanging = `${ticking().directory}/hanging-criu`;
    writeFileSync(hanging, '#!/bin/sh\nexec sleep 1000\n', { mode: 0o755 });
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8');
    expect(await probeCriu(hanging, 300)).toMatchObject({ isWorking: false, failure: { code: 'criu/hangs' } });
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).toBe(mounts);
  });

  test('the probe says that this CRIU works', async () => {
    expect(await probeCriu(binary)).toMatchObject({ isWorking: true });
  });
});
