/** A window's end of a stream: takes everything, says so, and keeps what came. */
import { MessageChannel } from 'node:worker_threads';
import { initialCreditBytes, StreamControl } from '../../../main/contract';
import type { StreamPort } from '../../../main/streams/view';
import { until } from '../support/until';

export class Window implements Disposable {
  readonly controls: StreamControl[] = [];
  /** What the services have to show, for them to speak on. */
  readonly port: StreamPort;
  private readonly own;
  private creditBytes = initialCreditBytes;

  constructor(private readonly onBytes: (bytes: Buffer) => void) {
    const { port1, port2 } = new MessageChannel();
    this.own = port1;
    this.port = {
      post: (message) => port2.postMessage(message),
      listen(onMessage, onClose) {
        port2.on('message', onMessage).on('close', onClose);
      },
      close: () => port2.close(),
    };
    port1.on('message', (message: unknown) => this.onMessage(message));
  }

  send(bytes: Uint8Array): void {
    this.creditBytes -= bytes.length;
    if (this.creditBytes < 0) throw new Error('more was sent than is granted');
    this.own.postMessage(bytes);
  }

  post(message: unknown): void {
    this.own.postMessage(message);
  }

  /** All credit given by the services, beyond the first. */
  get hasFullCredit(): boolean {
    return this.creditBytes === initialCreditBytes;
  }

  /** Waits for the `count`th control of this type. */
  async heard<T extends StreamControl['type']>(type: T, count = 1, withinMs = 30_000): Promise<Extract<StreamControl, { type: T }>> {
    return until(`${type} number ${count}`, () => this.controls.filter((control) => control.type === type)[count - 1] as Extract<StreamControl, { type: T }> | undefined, { withinMs }).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}; heard: ${JSON.stringify(this.controls)}`, { cause: error });
    });
  }

  [Symbol.dispose](): void {
    this.own.close();
  }

  private onMessage(message: unknown): void {
    if (message instanceof Uint8Array) {
      this.onBytes(Buffer.from(message));
      this.own.postMessage({ type: 'credit', bytes: message.length });
      return;
    }
    const control = StreamControl.parse(message);
    if (control.type === 'credit') this.creditBytes += control.bytes;
    else this.controls.push(control);
  }
}
