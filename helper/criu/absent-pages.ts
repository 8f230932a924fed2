/**
 * Which pages of a process are not in their place yet, and where in the file of pages each is.
 *
 * The process goes on meanwhile: it moves its mappings, takes them away, throws pages out. All that is followed here, so that a page never gets what
 * belonged to another one that was at its address before.
 */
import type { PagemapEntry } from './pagemap';

/** Pages that follow each other in memory and in the file. */
export interface AbsentPiece {
  start: number;
  end: number;
  /** Of the first byte, in the file. */
  offset: number;
  /** It is not where it was when the process was restored. */
  isMoved: boolean;
}

export class AbsentPages {
  /** In the order of their addresses; none overlap. */
  private readonly pieces: AbsentPiece[];

  constructor(pieces: readonly AbsentPiece[]) {
    this.pieces = pieces.map((piece) => ({ ...piece }));
  }

  /** Those that CRIU left out. All others of the file it has put in place itself. */
  static of(entries: readonly PagemapEntry[], pageBytes: number): AbsentPages {
    const pieces: AbsentPiece[] = [];
    let offset = 0;
    for (const { address, pages, isLazy } of entries) {
      const bytes = pages * pageBytes;
      const last = pieces.at(-1);
      if (isLazy && last?.end === address && last.offset + (last.end - last.start) === offset) last.end += bytes;
      else if (isLazy) pieces.push({ start: address, end: address + bytes, offset, isMoved: false });
      offset += bytes;
    }
    return new AbsentPages(pieces);
  }

  copy(): AbsentPages {
    return new AbsentPages(this.pieces);
  }

  get isEmpty(): boolean {
    return this.pieces.length === 0;
  }

  get all(): readonly Readonly<AbsentPiece>[] {
    return this.pieces;
  }

  /** The piece that an address is in. */
  at(address: number): Readonly<AbsentPiece> | undefined {
    const piece = this.pieces[this.indexAfter(address)];
    return piece && piece.start <= address ? piece : undefined;
  }

  /** What is absent at an address or next behind it; behind the last comes the first. */
  from(address: number): { start: number; end: number; offset: number } | undefined {
    const piece = this.pieces[this.indexAfter(address)] ?? this.pieces[0];
    if (!piece) return undefined;
    const start = piece.start <= address && address < piece.end ? address : piece.start;
    return { start, end: piece.end, offset: piece.offset + (start - piece.start) };
  }

  /** They are in place, or will never be wanted. */
  drop(start: number, end: number): void {
    this.takeOut(start, end, () => true);
  }

  /**
   * The range was unmapped. The kernel tells so after it has let others change mappings, so that what another thread has moved there since may be told first: such
   * pages stay, and when their turn comes it shows whether there is a mapping.
   */
  unmap(start: number, end: number): void {
    this.takeOut(start, end, ({ isMoved }) => !isMoved);
  }

  /** The mapping was moved; what was at its new place is gone. */
  move(from: number, to: number, bytes: number): void {
    const moved = this.takeOut(from, from + bytes, () => true);
    this.drop(to, to + bytes);
    if (moved.length === 0) return;
    const shifted = moved.map((piece) => ({ ...piece, start: piece.start - from + to, end: piece.end - from + to, isMoved: true }));
    this.pieces.splice(this.indexAfter(to), 0, ...shifted);
  }

  /** Index of the first piece that ends behind an address. */
  private indexAfter(address: number): number {
    let [low, high] = [0, this.pieces.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.pieces[middle]!.end <= address) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private takeOut(start: number, end: number, isMeant: (piece: AbsentPiece) => boolean): AbsentPiece[] {
    const taken: AbsentPiece[] = [];
    for (let index = this.indexAfter(start); index < this.pieces.length && this.pieces[index]!.start < end; ) {
      const piece = this.pieces[index]!;
      if (!isMeant(piece)) {
        index++;
        continue;
      }
      const [first, last] = [Math.max(start, piece.start), Math.min(end, piece.end)];
      const at = (address: number): number => piece.offset + (address - piece.start);
      taken.push({ ...piece, start: first, end: last, offset: at(first) });
      const left = [
        ...(piece.start < first ? [{ ...piece, end: first }] : []),
        ...(last < piece.end ? [{ ...piece, start: last, offset: at(last) }] : []),
      ];
      this.pieces.splice(index, 1, ...left);
      index += left.length;
    }
    return taken;
  }
}
