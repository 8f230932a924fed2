/**
 * The program that puts a restored POD's memory in place while the POD runs.
 *
 * CRIU has left private memory out and hands over, for each process, the descriptor by which a page that is touched is asked for. All pages are on this host, in
 * the files that a restore reads: what is asked for comes first, with its neighbours; all others follow by themselves. Then nothing is special about the POD.
 *
 * It may be killed: whoever has started it starts it again with the same descriptors, and what it was told is in the log.
 */
import { closeSync, openSync, readFileSync, readlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { freezeGroup } from '../system/cgroup';
import { acceptFrom, listenAt, receiveDescriptor, receiveTo } from '../system/descriptor-passing';
import { isHeldBack } from '../system/fault-point';
import { pageBytes } from '../system/live-pages';
import { MappedFile } from '../system/mapped-memory';
import { rest } from '../system/ptrace';
import { placePages, placeZeros, userfaultLink, waitForAny, wake, type Placed } from '../system/user-faults';
import { AbsentPages } from './absent-pages';
import { parsePagemap } from './pagemap';
import { hold, logFd } from './pager-holder';
import { PagerLog, type Fault, type Told } from './pager-log';

/** Where CRIU looks for it, in its work directory. */
export const pagerSocket = 'lazy-pages.socket';
/** Its word that all processes are there. */
const restoredWord = 0x52535446;
/** In one go; who touches a page meanwhile waits for it. */
const chunkBytes = 1 << 20;
/** What is put in place together with a page that was touched. */
const neighbourhoodBytes = 64 << 10;
const messagesAtOnce = 64;
const fullPauseMs = 20;
const changingPauseMs = 1;
/** All pages should be in place after that time. */
const patienceMs = 4_000;
const slowestBytesPerMs = 200_000;

/** One address space. */
interface Space {
  fd: number;
  file: MappedFile;
  absent: AbsentPages;
  /** Where it goes on by itself. */
  cursor: number;
}

export class Pager {
  private readonly spaces = new Map<number, Space>();
  private isRestored = false;
  private listener: number | undefined;
  private connection: number | undefined;
  private pauseMs = 0;
  private forceAtMs = Infinity;
  private isForced = false;
  /** Files of pages, which a successor maps again. */
  private readonly files = new Set<number>();
  /** What is held for the case that keeper and pager are killed together is not what there is. */
  private isHeldOtherwise = false;

  constructor(
    private readonly log: PagerLog,
    private readonly podId: string,
    private readonly images: string,
  ) {}

  /** For the first one: CRIU finds it from now on. */
  listen(workDirectory: string): void {
    this.listener = listenAt(join(workDirectory, pagerSocket));
  }

  /** For a later one, with the descriptors of the one before, by the same numbers. */
  takeOver(fds: readonly number[]): void {
    for (const told of this.log.replay()) this.apply(told);
    const unknown = new Set(fds.filter((fd) => linkOf(fd) === userfaultLink));
    for (const [fd, space] of this.spaces) {
      if (!unknown.delete(fd)) this.spaces.delete(fd); // it had just been closed
      else for (const { start, end } of space.absent.all) wake(fd, start, end - start); // who was not answered asks again
    }
    // A connection that nobody knows of is one on which nothing was heard: CRIU finds it closed, and the restore is undone.
    for (const fd of fds) if (linkOf(fd).startsWith('socket:') && fd !== this.connection) closeSync(fd);
    if (this.log.word !== 0) this.act(unknown);
    for (const fd of unknown) if (!this.spaces.has(fd)) closeSync(fd);
  }

  /** Returns when there is nothing left to be put in place. */
  run(): void {
    while (this.isRestored ? this.spaces.size > 0 : (this.listener ?? this.connection) !== undefined) {
      const waiting = [...this.spaces.keys()];
      for (const fd of [this.connection, this.listener]) if (fd !== undefined) waiting.push(fd);
      const speaking = waitForAny(waiting, this.isRestored ? this.pauseMs : -1);
      for (const fd of speaking) {
        if (fd === this.listener) this.accept();
        else if (fd === this.connection) {
          if (!this.hear()) return;
        } else this.listenTo(fd);
      }
      if (this.isRestored) {
        if (this.isHeldOtherwise) this.holdAll();
        this.goOn();
      }
    }
    hold([]);
    if (this.isForced) freezeGroup(this.podId, false);
  }

  /** A space that is not held, or held for too long, is one in which a page may read as zero, or a program wait for ever. */
  private holdAll(): void {
    this.isHeldOtherwise = false;
    hold(this.spaces.size === 0 ? [] : [...this.files, ...this.spaces.keys()]);
  }

  private accept(): void {
    const told = { kind: 'connected', fd: acceptFrom(this.listener!) } as const;
    this.log.write(told);
    this.apply(told);
    closeSync(this.listener!);
    this.listener = undefined;
  }

  /** False when the restore was given up. */
  private hear(): boolean {
    if (receiveTo(this.connection!, this.log.wordAddress, 4).isEnd) return false;
    this.act();
    return true;
  }

  /** Does what CRIU's last word says; the descriptor that belongs to it may have come before a predecessor's end. */
  private act(received: ReadonlySet<number> = new Set()): void {
    const { word } = this.log;
    if (word === restoredWord) {
      this.log.write({ kind: 'restored' });
      closeSync(this.connection!);
      this.apply({ kind: 'restored' });
    } else if (word > 0) this.admit(word, [...received][0] ?? receiveDescriptor(this.connection!)); // a zombie's is negative
    this.log.forgetWord();
  }

  private admit(pid: number, fd: number | undefined): void {
    if (fd === undefined) throw new Error('CRIU sent no descriptor');
    const pagemapFd = openSync(join(this.images, `pagemap-${pid}.img`), 'r');
    const { pagesId } = parsePagemap(readWhole(pagemapFd));
    const told = { kind: 'process', fd, pid, pagesFd: openSync(join(this.images, `pages-${pagesId}.img`), 'r'), pagemapFd } as const;
    this.log.write(told);
    this.apply(told);
    if (this.spaces.get(fd)?.absent.isEmpty) this.close(fd);
  }

  /** Only what the log has, so that a successor comes to the same. */
  private apply(told: Told): void {
    this.isHeldOtherwise ||= ['restored', 'process', 'fork'].includes(told.kind);
    switch (told.kind) {
      case 'connected':
        this.connection = told.fd;
        return;
      case 'restored':
        this.isRestored = true;
        this.connection = undefined;
        this.forceAtMs = performance.now() + patienceMs + [...this.spaces.values()].reduce((sum, { file }) => sum + file.sizeBytes, 0) / slowestBytesPerMs;
        return;
      case 'forced':
        this.isForced = true;
        return;
      case 'process':
        for (const fd of [told.pagesFd, told.pagemapFd]) this.files.add(fd);
        this.spaces.set(told.fd, { fd: told.fd, file: MappedFile.map(told.pagesFd), absent: AbsentPages.of(parsePagemap(readWhole(told.pagemapFd)).entries, pageBytes), cursor: 0 });
        return;
      case 'closed':
        this.spaces.delete(told.fd);
        return;
    }
    const space = this.spaces.get(told.fd);
    if (!space) return;
    switch (told.kind) {
      case 'fork':
        this.spaces.set(told.childFd, { fd: told.childFd, file: space.file, absent: space.absent.copy(), cursor: 0 });
        return;
      case 'move':
        return space.absent.move(told.from, told.to, told.bytes);
      case 'remove':
        return space.absent.drop(told.start, told.end);
      case 'unmap':
        return space.absent.unmap(told.start, told.end);
    }
  }

  private listenTo(fd: number): void {
    for (let count = 0; count < messagesAtOnce && this.spaces.has(fd); count++) {
      const message = this.log.read(fd);
      if (!message) return;
      if (message.kind === 'fault') this.answer(this.spaces.get(fd)!, message);
      else this.apply(message);
    }
  }

  private answer(space: Space, { address }: Fault): void {
    const page = address - (address % pageBytes);
    const piece = space.absent.at(page);
    if (!piece) return this.answerWithZeros(space, page);
    const block = page - (page % neighbourhoodBytes);
    const start = Math.max(piece.start, block);
    const bytes = Math.min(piece.end, block + neighbourhoodBytes) - start;
    space.cursor = start + bytes;
    const placed = this.put(space, start, piece.offset + (start - piece.start), bytes);
    if (placed.kind === 'changing') return wake(space.fd, page, pageBytes); // asks again when it has changed
    if (this.spaces.has(space.fd) && space.absent.at(page)) this.put(space, page, piece.offset + (page - piece.start), pageBytes);
    wake(space.fd, page, pageBytes);
  }

  /** Never written, or thrown away since. */
  private answerWithZeros(space: Space, page: number): void {
    const placed = placeZeros(space.fd, page, pageBytes);
    if (placed.kind === 'ended') this.close(space.fd);
    else if (placed.kind !== 'placed') {
      if (placed.kind === 'full') rest(fullPauseMs);
      wake(space.fd, page, pageBytes);
    }
  }

  /** The next chunk of whoever is next. */
  private goOn(): void {
    this.pauseMs = 0;
    if (isHeldBack('pager: follow')) return void (this.pauseMs = changingPauseMs);
    if (!this.isForced && performance.now() > this.forceAtMs) this.force();
    for (const space of this.spaces.values()) {
      const next = space.absent.from(space.cursor);
      if (!next) {
        this.close(space.fd);
        continue;
      }
      const bytes = Math.min(next.end - next.start, chunkBytes);
      const placed = this.put(space, next.start, next.offset, bytes);
      if (placed.kind === 'changing') return void (this.pauseMs = changingPauseMs);
      space.cursor = next.start + (placed.kind === 'placed' ? placed.bytes : 0);
      // To the end of the line, so that each has its turn.
      if (this.spaces.delete(space.fd)) this.spaces.set(space.fd, space);
      return;
    }
  }

  /** A program that changes its mappings all the time can keep pages from being put in place. It stands still for what is left. */
  private force(): void {
    this.forceAtMs = performance.now() + patienceMs;
    if (freezeGroup(this.podId)) return; // it does already, and is not ours to let go
    this.log.write({ kind: 'forced' });
    this.isForced = true;
    freezeGroup(this.podId, true);
  }

  /** What has been decided of the pages is no longer absent. */
  private put(space: Space, start: number, offset: number, bytes: number): Placed {
    space.file.summon(offset, bytes);
    let placed = placePages(space.fd, start, space.file.address + offset, bytes);
    // Perhaps there are two mappings side by side, and pages are put in one at a time.
    for (let part = bytes; placed.kind === 'unmapped' && part > pageBytes; ) {
      part = Math.max(pageBytes, Math.floor(part / 2 / pageBytes) * pageBytes);
      placed = placePages(space.fd, start, space.file.address + offset, part);
    }
    switch (placed.kind) {
      case 'placed':
        space.absent.drop(start, start + placed.bytes);
        break;
      case 'there':
        this.passOver(space, start, offset, bytes);
        break;
      case 'unmapped':
        space.absent.drop(start, start + pageBytes);
        break;
      case 'ended':
        this.close(space.fd);
        break;
      case 'full':
        rest(fullPauseMs);
        break;
      case 'changing':
        break;
    }
    return placed;
  }

  /** After a predecessor many pages are in place that the log does not tell of. */
  private passOver(space: Space, start: number, offset: number, bytes: number): void {
    let done = pageBytes;
    while (done < bytes && placePages(space.fd, start + done, space.file.address + offset + done, pageBytes).kind === 'there') done += pageBytes;
    space.absent.drop(start, start + done);
  }

  /** Nothing is absent there any more: what was never written reads as zero by itself again. */
  private close(fd: number): void {
    this.log.write({ kind: 'closed', fd });
    this.spaces.delete(fd);
    closeSync(fd);
    this.isHeldOtherwise = true;
  }
}

function linkOf(fd: number): string {
  return readlinkSync(`/proc/self/fd/${fd}`);
}

function readWhole(fd: number): Buffer {
  return readFileSync(`/proc/self/fd/${fd}`);
}

function sayReady(): void {
  try {
    writeSync(1, 'ready\n');
  } catch {
    // who has asked for it has been told already, by one that was killed
  }
}

/** What the keeper has started this for; `taken` are a predecessor's descriptors. */
export function fillMemory({ podId, workDirectory, images }: { podId: string; workDirectory: string; images: string }, taken: readonly number[]): void {
  const log = new PagerLog(logFd);
  const pager = new Pager(log, podId, images);
  if (log.isEmpty && taken.length === 0) {
    pager.listen(workDirectory);
    sayReady();
  } else pager.takeOver(taken);
  pager.run();
}
