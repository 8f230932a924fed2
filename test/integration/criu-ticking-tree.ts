/** A tree whose progress can be seen, and a process of its own that holds it: for tests of what a hold means. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { afterEach, beforeEach, expect } from 'vitest';
import { startProbeTree, type ProbeTree } from '../../helper/criu/probe';
import { killRestored } from '../../helper/criu/restored-tree';
import { CriuSession } from '../../helper/criu/session';
import { identify, isAlive } from '../../helper/system/process';

export function isPidAlive(pid: number): boolean {
  const found = identify(pid);
  return found !== undefined && isAlive(found);
}

export async function endTree(initPid: number): Promise<void> {
  await killRestored(identify(initPid), async () => {});
}

/** A program whose progress shows in a file, one byte a step. */
const ticker = (file: string) => ['sh', '-c', 'while :; do printf . >>"$1"; sleep 0.02; done', 'sh', file];

export class TickingTree {
  readonly directory = mkdtempSync(join(tmpdir(), 'zap-ticking-tree-'));
  readonly imagesDirectory = join(this.directory, 'images');
  readonly tickFile = join(this.directory, 'ticks');

  private original: ProbeTree | undefined;
  readonly #holders: ChildProcess[] = [];

  private constructor(readonly binary: string) {
    mkdirSync(this.imagesDirectory, { mode: 0o700 });
  }

  static async start(binary: string): Promise<TickingTree> {
    const tree = new TickingTree(binary);
    tree.original = await startProbeTree({ program: ticker(tree.tickFile), isRootWritable: true });
    return tree;
  }

  get initPid(): number {
    return this.original!.initPid;
  }

  get rootDirectory(): string {
    return this.original!.rootDirectory;
  }

  startSession(): Promise<CriuSession> {
    return CriuSession.start({ binary: this.binary, workDirectory: this.directory });
  }

  async hasProgress(): Promise<boolean> {
    const before = this.#ticks();
    const deadline = performance.now() + 3000;
    while (performance.now() < deadline) {
      if (this.#ticks() > before) return true;
      await delay(20);
    }
    return false;
  }

  async standsStill(): Promise<boolean> {
    const before = this.#ticks();
    await delay(150);
    return this.#ticks() === before;
  }

  /** A process of its own that drives CRIU until it is held; it prints numbers for the test, which kills it. */
  async hold(source: string, ...args: string[]): Promise<{ numbers: number[]; kill: () => void }> {
    const bundle = join(this.directory, 'hold.cjs');
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
    const holder = spawn(process.execPath, [bundle, this.binary, this.directory, this.imagesDirectory, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_PATH: fileURLToPath(new URL('../../node_modules', import.meta.url)) },
    });
    this.#holders.push(holder);
    const words = await new Promise<string>((resolve) => holder.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString())));
    return { numbers: words.trim().split(' ').map(Number), kill: () => holder.kill('SIGKILL') };
  }

  async end(): Promise<void> {
    for (const holder of this.#holders) holder.kill('SIGKILL');
    await this.original!.end();
    rmSync(this.directory, { recursive: true });
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(this.rootDirectory);
  }

  #ticks(): number {
    return readFileSync(this.tickFile).length;
  }
}

/** A fresh one for each test. */
export function useTickingTree(binary: string): () => TickingTree {
  let tree: TickingTree;
  beforeEach(async () => {
    tree = await TickingTree.start(binary);
  });
  afterEach(() => tree.end());
  return () => tree;
}
