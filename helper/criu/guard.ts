/**
 * The helper's side of CRIU's warden: started while the POD runs, asked nothing while it stands still.
 *
 * A host where it cannot be started loses a precaution, not the dump.
 */
import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { leaveProcessor, ownProcessors, processorNumbers } from '../system/scheduling';
import { start } from '../system/spawn';
import { gatherOnProcessor, spreadAgain } from './one-processor';
import type { WardenWord } from './warden';

const readyWithinMs = 3000;
const endedWithinMs = 10_000;

export interface GuardOptions {
  criuPid: number;
  podId: string;
  /** Where it is noted which processors the POD's threads had. */
  note: string;
  /** The helper's executable. */
  program?: string;
}

/** `rescued`: CRIU was killed, and the POD stands frozen in its control group. */
export type Rescue = Extract<WardenWord, { kind: 'rescued' }>;

export class CriuGuard {
  #rescue: Rescue | undefined;
  #isFirst: boolean | undefined;
  readonly #ready: Promise<void>;
  readonly #ended: Promise<void>;

  private constructor(private readonly child: ChildProcess, private readonly options: GuardOptions, private readonly processor: number) {
    this.#ended = new Promise((resolve) => void child.once('close', () => resolve()).once('error', () => resolve()));
    this.#ready = new Promise((resolve) => {
      void this.#ended.then(resolve);
      listen(child.stdout!, (word) => {
        if (word.kind === 'rescued') this.#rescue = word;
        else {
          this.#isFirst = word.isFirst;
          resolve();
        }
      });
    });
  }

  static start(options: GuardOptions): CriuGuard {
    const { criuPid, podId, note, program = process.execPath } = options;
    const processors = processorNumbers(ownProcessors);
    const processor = processors[criuPid % processors.length] ?? 0;
    // A session of its own: what ends the helper's does not end this.
    const child = start(program, ['watch-criu', String(criuPid), podId, String(processor), note], { cwd: '/', stdio: ['ignore', 'pipe', 'ignore'], detached: true });
    return new CriuGuard(child, options, processor);
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Resolves when it watches, or when there will be none. */
  async ready(): Promise<void> {
    await Promise.race([this.#ready, delay(readyWithinMs, undefined, { ref: false })]);
  }

  /** When all threads stand still, and CRIU has not begun to work in them. Until `stepBack` this process leaves CRIU's processor to it. */
  gather(): void {
    if (!this.#isFirst || this.child.exitCode !== null || this.child.signalCode !== null) return;
    gatherOnProcessor(this.options.podId, this.processor, this.options.note);
    leaveProcessor(this, this.processor);
  }

  /** When CRIU has nothing more to do in the POD. */
  stepBack(): void {
    leaveProcessor(this, undefined);
  }

  /** After CRIU's end: what its warden has done. Until then nobody else may let the POD go on. */
  async settled(): Promise<Rescue | undefined> {
    const isEnded = await Promise.race([this.#ended.then(() => true), delay(endedWithinMs, false, { ref: false })]);
    if (!isEnded) {
      this.child.kill('SIGKILL');
      await this.#ended;
    }
    this.stepBack();
    spreadAgain(this.options.podId, this.options.note);
    return this.#rescue;
  }
}

function listen(stream: Readable, hear: (word: WardenWord) => void): void {
  let rest = '';
  stream.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop()!;
    for (const line of lines) hear(JSON.parse(line) as WardenWord);
  });
}
