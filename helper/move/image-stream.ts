/**
 * Sends a checkpoint's images while CRIU is still writing them.
 *
 * CRIU numbers the files with memory in them (`pages-N.img`) and writes one after the other: as soon as a higher number is there, a lower one is
 * complete. The rest is small, and follows when the dump has ended.
 */
import { closeSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ArchiveWriter, type WriteOptions } from '../files/archive-write';
import type { Sink } from '../files/frames';
import { walkTree } from '../files/walk';
import { openRoot, statAt, statFd } from '../system/paths';

const pollMs = 3;

export class ImageStream {
  private readonly sent = new Set<string>();
  private root: number;
  private readonly writer: ArchiveWriter;
  private isDumping = true;
  private early: Promise<void> | undefined;

  constructor(
    private readonly directory: string,
    sink: Sink,
    options: WriteOptions = {},
  ) {
    this.root = openRoot(directory);
    this.writer = new ArchiveWriter(sink, options);
  }

  /** Begins with the dump. */
  start(): void {
    this.early = this.sendWhileDumping();
    this.early.catch(() => {}); // `finish` tells
  }

  /** The dump has ended: sends what is left of it. */
  async finish(): Promise<void> {
    await this.stop();
    for (const step of walkTree(this.root)) if (!this.sent.has(step.path)) await this.writer.add(step);
    await this.writer.close();
    this.close();
  }

  /** The dump, or what follows it, has failed. */
  async abandon(): Promise<void> {
    await this.stop().catch(() => {});
    this.close();
  }

  private close(): void {
    if (this.root >= 0) closeSync(this.root);
    this.root = -1;
  }

  private async stop(): Promise<void> {
    this.isDumping = false;
    await this.early;
  }

  private async sendWhileDumping(): Promise<void> {
    await this.writer.add({ path: '', stat: statFd(this.root), directory: this.root, name: '' });
    this.sent.add('');
    while (this.isDumping) {
      for (const name of completePages(readdirSync(this.directory))) {
        const stat = this.sent.has(name) ? undefined : statAt(this.root, name);
        if (!stat || !this.isDumping) continue;
        this.sent.add(name);
        await this.writer.add({ path: name, stat, directory: this.root, name });
      }
      await sleep(pollMs);
    }
  }
}

/** Of the files there are, those with memory that CRIU has finished. */
export function completePages(names: readonly string[]): string[] {
  const pages = names.flatMap((name) => {
    const number = /^pages-(\d+)\.img$/.exec(name)?.[1];
    return number === undefined ? [] : [{ name, number: Number(number) }];
  });
  const highest = Math.max(...pages.map(({ number }) => number));
  return pages.filter(({ number }) => number < highest).sort((a, b) => a.number - b.number).map(({ name }) => name);
}
