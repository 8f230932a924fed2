/**
 * A screen or a terminal as bytes, over the port that the services gave.
 *
 * Both ends keep to credits: what is taken in here is granted again only when it has been dealt with, and what the services have no room for waits here.
 */
import { initialCreditBytes, StreamControl, terminalCreditBytes, type StreamInput, type StreamName } from '../../main/contract';
import { connect } from '../bridge/zap';

export interface StreamEvents {
  /** `done` when they have been dealt with. */
  onBytes: (bytes: Uint8Array, done: () => void) => void;
  onControl: (control: Exclude<StreamControl, { type: 'credit' }>) => void;
  /** The services are gone, and this stream with them. */
  onLost: () => void;
}

/** Grants are gathered: one message for many small pieces. Less than any window, or a stream would stand still. */
const GRANT_FROM_BYTES = terminalCreditBytes / 4;

export class ByteStream {
  private creditBytes = initialCreditBytes;
  private doneBytes = 0;
  private readonly waiting: Uint8Array[] = [];
  private isClosed = false;

  private constructor(
    private readonly port: MessagePort,
    private readonly events: StreamEvents,
  ) {
    port.addEventListener('message', ({ data }: MessageEvent<unknown>) => this.onMessage(data));
    port.addEventListener('close', () => {
      if (!this.isClosed) events.onLost();
      this.isClosed = true;
    });
    port.start();
  }

  static async open<N extends StreamName>(name: N, input: StreamInput<N>, events: StreamEvents): Promise<ByteStream> {
    return new ByteStream(await connect(name, input), events);
  }

  /** The bytes may be changed afterwards. */
  send(bytes: Uint8Array): void {
    if (this.isClosed || bytes.length === 0) return;
    this.waiting.push(bytes.slice());
    this.flush();
  }

  resize(size: { columns: number; rows: number }): void {
    if (!this.isClosed) this.port.postMessage({ type: 'resize', ...size });
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.port.postMessage({ type: 'close' });
    this.port.close();
  }

  private onMessage(data: unknown): void {
    if (this.isClosed) return;
    if (data instanceof Uint8Array) return this.events.onBytes(data, () => this.done(data.length));
    const control = StreamControl.parse(data);
    if (control.type === 'credit') {
      this.creditBytes += control.bytes;
      return this.flush();
    }
    if (control.type === 'closed') {
      this.isClosed = true;
      this.port.close();
    }
    this.events.onControl(control);
  }

  private done(bytes: number): void {
    this.doneBytes += bytes;
    if (this.isClosed || this.doneBytes < GRANT_FROM_BYTES) return;
    this.port.postMessage({ type: 'credit', bytes: this.doneBytes });
    this.doneBytes = 0;
  }

  private flush(): void {
    while (this.waiting.length > 0 && this.creditBytes > 0) {
      const next = this.waiting[0]!;
      const length = Math.min(next.length, this.creditBytes);
      this.creditBytes -= length;
      if (length === next.length) this.waiting.shift();
      else this.waiting[0] = next.subarray(length);
      this.port.postMessage(next.slice(0, length));
    }
  }
}
