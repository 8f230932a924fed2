import type { PageStore } from '../checkpoint/page-store';
import type { Sink } from '../files/frames';
import { pageBytes } from '../system/live-pages';

/** Sends what a store has more than it had. */
export class PageAppender {
  private sent: number;

  constructor(
    private readonly store: PageStore,
    private readonly sink: Sink,
    private readonly onBytes: (bytes: number) => void = () => {},
  ) {
    this.sent = store.count;
  }

  /** How many pages wait. */
  get pages(): number {
    return this.store.count - this.sent;
  }

  async flush(): Promise<void> {
    while (this.pages > 0) {
      const bytes = this.store.read(this.sent, this.pages);
      this.sent += bytes.length / pageBytes;
      await this.sink.write(bytes);
      this.onBytes(bytes.length);
    }
  }
}
