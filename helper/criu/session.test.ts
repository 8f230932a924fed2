/** The engine against a real CRIU and a real tree: needs root and CRIU 4.2 (`ZAP_CRIU` names one that is not installed in the usual places). */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { identify, isAlive } from '../system/process';
import { dumpOptions, restoreOptions } from './options';
import { probeCriu, startProbeTree, type ProbeTree } from './probe';
import { killRestored } from './restored-tree';
import { CriuSession } from './session';
import { describeWithCriu } from './with-criu';

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
    mkdirSync(imagesDirectory);
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

  test('the tree runs on when the process that holds the dump is killed', async () => {
    const bundle = join(directory, 'hold.cjs');
    buildSync({
      stdin: {
        contents: `import { CriuSession } from './session';
          import { dumpOptions } from './options';
          const [binary, workDirectory, imagesDirectory, initPid] = process.argv.slice(2);
          void CriuSession.start({ binary, workDirectory }).then((session) =>
            session.dump(dumpOptions({ initPid: Number(initPid), imagesDirectory }), {
              postDump: () => { console.log('held', session.pid); return new Promise(() => setInterval(() => {}, 1000)); } }));`,
        resolveDir: fileURLToPath(new URL('.', import.meta.url)),
        loader: 'ts',
      },
      bundle: true,
      platform: 'node',
      format: 'cjs',
      external: ['koffi'],
      outfile: bundle,
    });
    const holder = spawn(process.execPath, [bundle, binary, directory, imagesDirectory, String(tree.initPid)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_PATH: fileURLToPath(new URL('../../node_modules', import.meta.url)) },
    });
    try {
      const line = await new Promise<string>((resolve) => holder.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString())));
      const criuPid = Number(line.split(' ')[1]);
      const criu = identify(criuPid)!;
      expect(await standsStill()).toBe(true);
      holder.kill('SIGKILL');
      expect(await hasProgress()).toBe(true);
      await expect.poll(() => isAlive(criu)).toBe(false);
      expect(isPidAlive(tree.initPid)).toBe(true);
    } finally {
      holder.kill('SIGKILL');
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
