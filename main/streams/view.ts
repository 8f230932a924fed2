/**
 * The end of a stream that a window holds: bytes and controls over its port, with a credit window in each direction.
 *
 * The window is not trusted to keep its side: whoever sends more than was granted is hung up on.
 */
import { initialCreditBytes, ViewControl, type StreamControl } from '../contract';

/** A MessagePort, whichever of its kinds. */
export interface StreamPort {
  post(message: unknown): void;
  /** Called once, before anything is posted. */
  listen(onMessage: (message: unknown) => void, onClose: () => void): void;
  close(): void;
}

export interface ViewEvents {
  onBytes: (bytes: Uint8Array) => void;
  onResize: (size: { columns: number; rows: number }) => void;
  /** The window hung up, or must be. */
  onClose: () => void;
}

/** One message costs about as much as copying this much. */
const MAX_MESSAGE_BYTES = 256 << 10;

export class View {
  private grantedBytes = initialCreditBytes;
  private readonly waiting: Uint8Array[] = [];
  private onDrained: (() => void) | undefined;
  private isClosed = false;

  constructor(
    private readonly port: StreamPort,
    private readonly events: ViewEvents,
    private creditBytes = initialCreditBytes,
  ) {
    port.listen(
      (message) => this.onMessage(message),
      () => this.close(),
    );
  }

  /** Sends what the window has room for and keeps the rest: nobody should write more before it is `drained`. The bytes may be changed afterwards. */
  write(bytes: Uint8Array): void {
    if (this.isClosed || bytes.length === 0) return;
    // A copy: a port clones the whole buffer below a view, and the buffers of streams are shared and large.
    this.waiting.push(Uint8Array.prototype.slice.call(bytes));
    this.flush();
  }

  get isDrained(): boolean {
    return this.waiting.length === 0;
  }

  async drained(): Promise<void> {
    while (!this.isDrained && !this.isClosed) await new Promise<void>((resolve) => (this.onDrained = resolve));
  }

  /** Lets the window send so many bytes more. */
  grant(bytes: number): void {
    if (bytes === 0) return;
    this.grantedBytes += bytes;
    this.tell({ type: 'credit', bytes });
  }

  tell(control: StreamControl): void {
    if (!this.isClosed) this.port.post(control);
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.waiting.length = 0;
    this.onDrained?.();
    this.port.close();
    this.events.onClose();
  }

  private onMessage(message: unknown): void {
    if (this.isClosed) return;
    if (message instanceof Uint8Array) {
      this.grantedBytes -= message.length;
      if (this.grantedBytes < 0) return this.close();
      return this.events.onBytes(message);
    }
    const control = ViewControl.safeParse(message);
    if (!control.success || control.data.type === 'close') return this.close();
    if (control.data.type === 'resize') return this.events.onResize({ columns: control.data.columns, rows: control.data.rows });
    this.creditBytes += control.data.bytes;
    this.flush();
  }

  private flush(): void {
    while (this.waiting.length > 0 && this.creditBytes > 0) {
      const chunk = this.waiting[0]!;
      const length = Math.min(chunk.length, this.creditBytes, MAX_MESSAGE_BYTES);
      this.creditBytes -= length;
      const isWhole = length === chunk.length;
      if (isWhole) this.waiting.shift();
      else this.waiting[0] = chunk.subarray(length);
      this.port.post(isWhole && chunk.byteOffset === 0 ? chunk : chunk.slice(0, length));
    }
    if (this.waiting.length === 0) this.onDrained?.();
  }
}
