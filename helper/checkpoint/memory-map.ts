/**
 * Which page of a store lies where in the processes of a POD: what was seen there when it was last read.
 *
 * Processes are known by their inner pid, which is theirs on every host.
 */

/** Pages that lie together in a process. */
export interface MappedPages {
  address: number;
  /** What runs as code is patched while CRIU works in a process, so it is not to be read then. */
  isExecutable: boolean;
  /** Numbers of the store; −1 where it had no room. */
  numbers: Int32Array;
}

/** In the order of their addresses. */
export type ProcessMap = MappedPages[];
export type MemoryMap = Map<number, ProcessMap>;

/** Goes through a process's pages from low addresses to high ones. */
export class MapCursor {
  private index = 0;

  constructor(private readonly map: ProcessMap) {}

  /** Number of the page at an address, and how many of the following `pages` have the numbers after it, itself included; −1: not known. */
  at(address: number, pages: number, pageBytes: number): { number: number; run: number } {
    while (this.index < this.map.length && this.end(this.index, pageBytes) <= address) this.index++;
    const piece = this.map[this.index];
    if (!piece || address < piece.address) {
      const known = piece ? Math.ceil((piece.address - address) / pageBytes) : pages;
      return { number: -1, run: Math.min(pages, known) };
    }
    const first = (address - piece.address) / pageBytes;
    const limit = Math.min(pages, piece.numbers.length - first);
    const number = piece.numbers[first]!;
    let run = 1;
    while (run < limit && piece.numbers[first + run] === (number < 0 ? -1 : number + run)) run++;
    return { number, run };
  }

  private end(index: number, pageBytes: number): number {
    return this.map[index]!.address + this.map[index]!.numbers.length * pageBytes;
  }
}
