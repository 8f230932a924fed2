/** What was sent and may have to be sent again: the newest bytes of one leg, by their place in it. */
const KEPT_BYTES = 2 << 20; // more than a lane and the buffers behind it hold: what is older was surely read

export class InputTape<T extends { bytes: Uint8Array }> {
  private readonly entries: { endBytes: number; item: T }[] = [];
  private sentBytes = 0;

  /** `onRead` hears of each item that is known to have been read, in order. */
  constructor(private readonly onRead: (item: T) => void = () => {}) {}

  /** So many bytes went by that nobody would send again. */
  skip(bytes: number): void {
    this.sentBytes += bytes;
  }

  sent(item: T): void {
    this.sentBytes += item.bytes.length;
    this.entries.push({ endBytes: this.sentBytes, item });
    while (this.entries[0]!.endBytes < this.sentBytes - KEPT_BYTES) this.onRead(this.entries.shift()!.item);
  }

  /** The leg is over; returns what was not read, the first item perhaps in part. Where nobody knows, nothing is sent twice. */
  rewind(readBytes: number | undefined): { item: T; readBytes: number }[] {
    const read = readBytes ?? this.sentBytes;
    const unread: { item: T; readBytes: number }[] = [];
    for (const { endBytes, item } of this.entries) {
      if (endBytes <= read) this.onRead(item);
      else unread.push({ item, readBytes: Math.max(0, item.bytes.length - (endBytes - read)) });
    }
    this.entries.length = 0;
    this.sentBytes = 0;
    return unread;
  }
}
