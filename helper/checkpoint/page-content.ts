/**
 * Pages told from each other by a hash of their content, where one side has only the other's word for what is in them.
 *
 * 128 bits of SHA-256: nobody can make two pages that share one, by chance or on purpose.
 */
import { hash } from 'node:crypto';
import { pageBytes } from '../system/live-pages';

const hashBytes = 16;

/** Names the content of pages, one after the other, 16 bytes each. */
export function contentHashes(pages: Buffer): Buffer {
  const hashes = Buffer.alloc((pages.length / pageBytes) * hashBytes);
  for (let offset = 0; offset < pages.length; offset += pageBytes) hash('sha256', pages.subarray(offset, offset + pageBytes), 'buffer').copy(hashes, (offset / pageBytes) * hashBytes, 0, hashBytes);
  return hashes;
}

/** What the other side says that it has: the number of each page by its content. */
export class KnownContent {
  private readonly numbers = new Map<string, number>();
  private rest: Buffer = Buffer.alloc(0);
  count = 0;

  add(hashes: Buffer): void {
    const bytes = this.rest.length === 0 ? hashes : Buffer.concat([this.rest, hashes]);
    let offset = 0;
    for (; offset + hashBytes <= bytes.length; offset += hashBytes) this.numbers.set(bytes.toString('latin1', offset, offset + hashBytes), this.count++);
    this.rest = bytes.subarray(offset);
  }

  find(bytes: Buffer, offset: number): number | undefined {
    if (this.count === 0) return undefined;
    return this.numbers.get(hash('sha256', bytes.subarray(offset, offset + pageBytes), 'buffer').toString('latin1', 0, hashBytes));
  }
}
