/** The engine against a real CRIU and a real tree: needs root and CRIU 4.2 (`ZAP_CRIU` names one that is not installed in the usual places). */
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { identify, isAlive } from '../../helper/system/process';
import { run } from '../../helper/system/spawn';
import { rewriteForClone } from '../../helper/criu/images';
import { dumpOptions, restoreOptions } from '../../helper/criu/options';
import { probeCriu, startProbeTree, type ProbeTree } from '../../helper/criu/probe';
import { killRestored } from '../../helper/criu/restored-tree';
import { CriuSession } from '../../helper/criu/session';
import { describeWithCriu } from './criu-here';

const isPidAlive = (pid: number) => {
  const found = identify(pid);
  return found !== undefined && isAlive(found);
};

/** A program whose progress shows in a file, one byte a step. */
const ticker = (file: string) => ['sh', '-c', 'while :; do printf . >>"$1"; sleep 0.02; done', 'sh', file];

describeWithCriu('a CRIU session', (binary) => {
  let directory: string;
  let imagesDirectory: string;
  let tickFile: string;
  let tree: ProbeTree;
  const ticks = () => readFileSync(tickFile).length;
  const hasProgress = async () => {
    const before = ticks();
    const deadline = performance.now() + 3000;
    while (performance.now() < deadline) {
      if (ticks() > before) return true;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return false;
  };
  const standsStill = async () => {
    const before = ticks();
    await new Promise((resolve) => setTimeout(resolve, 150));
    return ticks() === before;
  };
  const endTree = async (pid: number) => await killRestored(identify(pid), async () => {});

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'zap-session-test-'));
    imagesDirectory = join(directory, 'images');
    mkdirSync(imagesDirectory, { mode: 0o700 });
    tickFile = join(directory, 'ticks');
    tree = await startProbeTree({ program: ticker(tickFile), isRootWritable: true });
  });

  afterEach(async () => {
    await tree.end();
    rmSync(directory, { recursive: true });
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain('zap-probe-root-');
  });

  const startSession = () => CriuSession.start({ binary, workDirectory: directory });

  test('dumps, holds the frozen tree, kills it, and restores it with the same pids inside', async () => {
    await using dumper = await startSession();
    const heard: string[] = [];
    const dump = await dumper.dump(dumpOptions({ initPid: tree.initPid, imagesDirectory }), {
      preDump: async () => void heard.push('pre-dump'),
      networkLock: async () => void heard.push('network-lock'),
      postDump: async () => {
        expect(isPidAlive(tree.initPid)).toBe(true);
        expect(await standsStill()).toBe(true);
        return 'kill';
      },
    });
    expect(heard).toEqual(['pre-dump', 'network-lock']);
    expect(dump.tree).toBe('killed');
    expect(dump.stages.map((stage) => stage.stage)).toEqual(expect.arrayContaining(['pre-dump', 'network-lock', 'post-dump']));
    expect(dump.times!.frozenMs).toBeGreaterThan(150);
    expect(dump.times!.pagesWritten).toBeGreaterThan(0);
    expect(isPidAlive(tree.initPid)).toBe(false);

    await using restorer = await startSession();
    let heldPid = 0;
    const restore = await restorer.restore(restoreOptions({ imagesDirectory, rootDirectory: tree.rootDirectory }), {
      preResume: async (initPid) => {
        heldPid = initPid;
        expect(readFileSync(`/proc/${initPid}/stat`, 'utf8')).toMatch(/\) t /);
        expect(await standsStill()).toBe(true);
      },
    });
    try {
      expect(restore.initPid).toBe(heldPid);
      expect(readFileSync(`/proc/${restore.initPid}/status`, 'utf8')).toMatch(/NSpid:\s+\d+\s+1\n/);
      expect(restore.times!.restoreMs).toBeGreaterThan(0);
      expect(await hasProgress()).toBe(true);
    } finally {
      await endTree(restore.initPid);
    }
  });

  test('lets the tree run on when the hold is answered with resume, and can dump it again', async () => {
    for (let round = 0; round < 2; round++) {
      await using session = await startSession();
      const outcome = await session.dump(dumpOptions({ initPid: tree.initPid, imagesDirectory }), { postDump: async () => 'resume' });
      expect(outcome.tree).toBe('resumed');
      expect(outcome.times).toBeUndefined();
      expect(await hasProgress()).toBe(true);
      rmSync(imagesDirectory, { recursive: true });
      mkdirSync(imagesDirectory);
    }
  });

  test('rejects with the error of the hook that failed, the tree running', async () => {
    for (const hook of ['preDump', 'networkLock', 'postDump'] as const) {
      await using session = await startSession();
      const dump = session.dump(dumpOptions({ initPid: tree.initPid, imagesDirectory }), { [hook]: () => Promise.reject(new Error(`no ${hook}`)) });
      await expect(dump).rejects.toThrow(`no ${hook}`);
      expect(await hasProgress()).toBe(true);
    }
  });

  test('leaves the original of a clone running', async () => {
    await using session = await startSession();
    const outcome = await session.dump(dumpOptions({ initPid: tree.initPid, imagesDirectory, isClone: true }));
    expect(outcome.tree).toBe('left-running');
    expect(await hasProgress()).toBe(true);
  });

  test('leaves nothing of a restore that is refused at any stage', async () => {
    await using dumper = await startSession();
    await dumper.dump(dumpOptions({ initPid: tree.initPid, imagesDirectory }));
    for (const hook of ['setupNamespaces', 'postRestore', 'preResume'] as const) {
      let initPid = 0;
      await using restorer = await startSession();
      const restore = restorer.restore(restoreOptions({ imagesDirectory, rootDirectory: tree.rootDirectory }), {
        [hook]: async (pid: number) => {
          initPid = pid;
          throw new Error(`no ${hook}`);
        },
      });
      await expect(restore).rejects.toThrow(`no ${hook}`);
      expect(initPid).toBeGreaterThan(1);
      expect(isPidAlive(initPid)).toBe(false);
      expect(await standsStill()).toBe(true);
    }
  });

  test('leaves nothing when CRIU itself is killed while the restored tree is held', async () => {
    await using dumper = await startSession();
    await dumper.dump(dumpOptions({ initPid: tree.initPid, imagesDirectory }));
    for (const hook of ['postRestore', 'preResume'] as const) {
      let initPid = 0;
      await using restorer = await startSession();
      const restore = restorer.restore(restoreOptions({ imagesDirectory, rootDirectory: tree.rootDirectory }), {
        [hook]: async (pid: number) => {
          initPid = pid;
          process.kill(restorer.pid, 'SIGKILL');
          await restorer.exited;
        },
      });
      await expect(restore).rejects.toMatchObject({ code: 'criu/died' });
      expect(isPidAlive(initPid)).toBe(false);
      expect(await standsStill()).toBe(true);
    }
  });

  test('says what CRIU said when it fails', async () => {
    await using session = await startSession();
    const restore = session.restore(restoreOptions({ imagesDirectory, rootDirectory: tree.rootDirectory }));
    await expect(restore).rejects.toMatchObject({ code: 'criu/image-unreadable', evidence: [expect.stringContaining('Unexpected EOF')] });
  });

  /** A process of its own that drives CRIU until it is held; it prints what the hold says, and is killed by the test. */
  async function hold(source: string, ...args: string[]) {
    const bundle = join(directory, 'hold.cjs');
    buildSync({
      stdin: {
        contents: `import { CriuSession } from './session';
          import { dumpOptions, restoreOptions } from './options';
          import { writeFileSync } from 'node:fs';
          const [binary, workDirectory, imagesDirectory, ...args] = process.argv.slice(2);
          const held = (...words) => { console.log(words.join(' ')); return new Promise(() => setInterval(() => {}, 1000)); };
          ${source}`,
        resolveDir: fileURLToPath(new URL('../../helper/criu/', import.meta.url)),
        loader: 'js',
      },
      bundle: true,
      platform: 'node',
      format: 'cjs',
      external: ['koffi'],
      outfile: bundle,
    });
    const holder = spawn(process.execPath, [bundle, binary, directory, imagesDirectory, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_PATH: fileURLToPath(new URL('../../node_modules', import.meta.url)) },
    });
    const words = await new Promise<string>((resolve) => holder.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString())));
    return { numbers: words.trim().split(' ').map(Number), kill: () => holder.kill('SIGKILL') };
  }

  test('the tree runs on when the process that holds the dump is killed', async () => {
    const holder = await hold(
      `void CriuSession.start({ binary, workDirectory }).then((session) =>
        session.dump(dumpOptions({ initPid: Number(args[0]), imagesDirectory }), { postDump: () => held(session.pid) }));`,
      String(tree.initPid),
    );
    const criu = identify(holder.numbers[0]!)!;
    expect(await standsStill()).toBe(true);
    holder.kill();
    expect(await hasProgress()).toBe(true);
    await expect.poll(() => isAlive(criu)).toBe(false);
    expect(isPidAlive(tree.initPid)).toBe(true);
  });

  test('nothing is left when the process that holds the restore at post-restore is killed', async () => {
    await using dumper = await startSession();
    await dumper.dump(dumpOptions({ initPid: tree.initPid, imagesDirectory }));
    const holder = await hold(
      `void CriuSession.start({ binary, workDirectory }).then((session) =>
        session.restore(restoreOptions({ imagesDirectory, rootDirectory: args[0] }), { postRestore: (initPid) => held(initPid, session.pid) }));`,
      tree.rootDirectory,
    );
    const [init, criu] = holder.numbers.map((pid) => identify(pid)!);
    expect(await standsStill()).toBe(true);
    holder.kill();
    await expect.poll(() => isAlive(criu!)).toBe(false);
    expect(isAlive(init!)).toBe(false);
    expect(await standsStill()).toBe(true);
  });

  test('a tree that was restored into a frozen cgroup waits there, complete, whatever becomes of the processes around it', async () => {
    const unified = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').find((line) => line.includes(' - cgroup2 '))!.split(' ')[4]!;
    const ownGroup = join(unified, /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))![1]!);
    const group = join(unified, `zap-session-test-${process.pid}`);
    mkdirSync(group);
    let initPid = 0;
    try {
      await using dumper = await startSession();
      await dumper.dump(dumpOptions({ initPid: tree.initPid, imagesDirectory }));
      const holder = await hold(
        `const [rootDirectory, group, ownGroup] = args;
        const procs = (group) => [group + '/cgroup.procs'];
        void CriuSession.start({ binary, workDirectory, cgroupProcs: procs(group), cgroupProcsOnceForked: procs(ownGroup) }).then(async (session) => {
          const { initPid } = await session.restore(restoreOptions({ imagesDirectory, rootDirectory }), {
            preResume: async () => writeFileSync(group + '/cgroup.freeze', '1') });
          await held(initPid, session.pid); });`,
        tree.rootDirectory, group, ownGroup,
      );
      initPid = holder.numbers[0]!;
      holder.kill();
      expect(await standsStill()).toBe(true);
      expect(isPidAlive(initPid)).toBe(true);
      expect(readFileSync(`/proc/${initPid}/status`, 'utf8')).toMatch(/TracerPid:\s+0\n/);
      expect(readFileSync(join(group, 'cgroup.procs'), 'utf8')).not.toContain(String(holder.numbers[1]));
      writeFileSync(join(group, 'cgroup.freeze'), '0');
      expect(await hasProgress()).toBe(true);
    } finally {
      writeFileSync(join(group, 'cgroup.freeze'), '0');
      if (initPid !== 0) await endTree(initPid);
      await vi.waitFor(() => rmdirSync(group)); // empty a moment after its last process was reaped
    }
  });

  test('a clone gets its host ids and its host name from the rewritten images', async () => {
    await using dumper = await startSession();
    await dumper.dump(dumpOptions({ initPid: tree.initPid, imagesDirectory, isClone: true }));
    rewriteForClone(imagesDirectory, { hostIdBase: 1_500_000, hostName: 'the-copy' });
    chmodSync(tickFile, 0o666); // the copy's root is nobody's root here
    await using restorer = await startSession();
    const { initPid } = await restorer.restore(restoreOptions({ imagesDirectory, rootDirectory: tree.rootDirectory, isClone: true }));
    try {
      expect(readFileSync(`/proc/${initPid}/uid_map`, 'utf8').trim().split(/\s+/)).toEqual(['0', '1500000', '1']);
      const { stdout } = await run('nsenter', ['--target', String(initPid), '--uts', 'hostname']);
      expect(stdout.trim()).toBe('the-copy');
      expect(isPidAlive(tree.initPid)).toBe(true);
      expect(statSync(imagesDirectory)).toMatchObject({ mode: 0o40710, uid: 0, gid: 1_500_000 });
    } finally {
      await endTree(initPid);
    }
  });

  test('works through a CRIU that is not there with a name for it', async () => {
    await expect(CriuSession.start({ binary: '/no/such/criu', workDirectory: directory })).rejects.toMatchObject({ code: 'criu/not-startable' });
    await using session = await CriuSession.start({ binary: '/bin/false', workDirectory: directory });
    await expect(session.dump(dumpOptions({ initPid: tree.initPid, imagesDirectory }))).rejects.toMatchObject({ code: 'criu/died' });
  });

  test('the probe says that this CRIU works', async () => {
    expect(await probeCriu(binary)).toMatchObject({ isWorking: true });
  });
});
