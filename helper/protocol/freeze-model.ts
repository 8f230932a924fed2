/** What a freeze takes, measured on a host of two processors: so much, and so much more for each process and each mebibyte. Nothing is sent yet by then. */
const baseMs = 60;
const processMs = 2.5;
const mebibyteMs = 1.2;

/** A host says so of its PODs; a desktop, before it has asked one. */
export function modelFreezeMs({ processes, memoryBytes }: { processes: number; memoryBytes: number }): number {
  return baseMs + processMs * processes + mebibyteMs * (memoryBytes / 2 ** 20);
}
