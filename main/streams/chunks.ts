/** The bytes of a leg, until they end. A leg may break off at any time, and its own call tells why: here that is an end like another. */
import type { Duplex } from 'node:stream';

export async function* chunksOf(leg: Duplex): AsyncGenerator<Buffer, void> {
  try {
    yield* leg as AsyncIterable<Buffer>;
  } catch {
    // broke off
  }
}
