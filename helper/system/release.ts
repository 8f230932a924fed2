/**
 * Gives the memory of a buffer back at once, for whoever asks next. The buffer is empty from then on.
 *
 * Left to the garbage collector, memory that is filled once and dropped goes around in tens of megabytes of pages that are cold, or not even there: at a gigabyte
 * a second that costs more than encrypting does. A buffer that is only a part of its memory is left alone, since others may be in the rest.
 */
export function release(bytes: Buffer): void {
  const memory = bytes.buffer as ArrayBuffer & { transfer?(sizeBytes: number): ArrayBuffer };
  if (bytes.length === memory.byteLength) memory.transfer?.(0); // Node 20 does not have it, and takes more time
}
