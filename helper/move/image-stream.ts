/**
 * Sends a checkpoint's images while CRIU is still writing them.
 *
 * CRIU numbers the files with memory in them (`pages-N.img`) and writes one after the other: as soon as a higher number is there, a lower one is
 * complete. The rest is small, and follows when the dump has ended.
 */
import { closeSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { applyDelta, writeDelta } from '../checkpoint/page-delta';
import type { PageStore } from '../checkpoint/page-store';
import { ArchiveWriter, type WriteOptions } from '../files/archive-write';
import type { Sink } from '../files/frames';
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
    /** What the other side has already: with it, memory goes as deltas. */
    private readonly store?: PageStore,
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
    await this.add('');
    const names = readdirSync(this.directory);
    // Memory first: it is what the other side has most work with.
    for (const name of [...names.filter((candidate) => pagesNumber(candidate) !== undefined), ...names]) await this.add(name);
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
    await this.add('');
    while (this.isDumping) {
      for (const name of completePages(readdirSync(this.directory))) if (this.isDumping) await this.add(name);
      await sleep(pollMs);
    }
  }

  private async add(name: string): Promise<void> {
    if (this.sent.has(name)) return;
    this.sent.add(name);
    const number = pagesNumber(name);
    if (number === undefined || !this.store) return await this.send(name);
    const delta = deltaName(number);
    this.sent.add(delta);
    writeDelta(join(this.directory, name), join(this.directory, delta), this.store);
    await this.send(delta);
    rmSync(join(this.directory, delta));
  }

  private async send(name: string): Promise<void> {
    const stat = name === '' ? statFd(this.root) : statAt(this.root, name);
    if (stat) await this.writer.add({ path: name, stat, directory: this.root, name });
  }
}

export function deltaName(number: number): string {
  return `pages-${number}.delta`;
}

/** Turns deltas into files of pages as they arrive. */
export class DeltaReceiver {
  private name = '';
  private readonly deltas: string[] = [];

  constructor(
    private readonly directory: string,
    private readonly store: PageStore,
  ) {}

  entry(entry: { type: string; path: string }): void {
    this.name = entry.path;
  }

  data(): void {}

  endFile(): void {
    if (!/^pages-\d+\.delta$/.test(this.name)) return;
    this.deltas.push(this.name);
    applyDelta(join(this.directory, this.name), join(this.directory, this.name.replace('.delta', '.img')), this.store);
  }

  /** Takes the deltas away, when all has arrived. */
  finish(): void {
    for (const name of this.deltas) rmSync(join(this.directory, name));
  }
}

function pagesNumber(name: string): number | undefined {
  const number = /^pages-(\d+)\.img$/.exec(name)?.[1];
  return number === undefined ? undefined : Number(number);
}

/** Of the files there are, those with memory that CRIU has finished. */
export function completePages(names: readonly string[]): string[] {
  const pages = names.flatMap((name) => {
    const number = pagesNumber(name);
    return number === undefined ? [] : [{ name, number }];
  });
  const highest = Math.max(...pages.map(({ number }) => number));
  return pages.filter(({ number }) => number < highest).sort((a, b) => a.number - b.number).map(({ name }) => name);
}
