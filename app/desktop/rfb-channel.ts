/** A stream in the shape that noVNC takes for a WebSocket. Moves of the POD pass by below: for noVNC this is one connection that never breaks. */
import type { RawChannel } from '@novnc/novnc';

const CONNECTING = 0;
const OPEN = 1;
const CLOSED = 3;

export class RfbChannel implements RawChannel {
  // noVNC looks for all of these on the object itself.
  binaryType = 'arraybuffer';
  protocol = '';
  readyState: number = CONNECTING;
  onopen: RawChannel['onopen'] = null;
  onmessage: RawChannel['onmessage'] = null;
  onclose: RawChannel['onclose'] = null;
  onerror: RawChannel['onerror'] = null;

  constructor(private readonly sink: { send(bytes: Uint8Array): void; close(): void }) {}

  open(): void {
    this.readyState = OPEN;
    this.onopen?.();
  }

  receive(bytes: Uint8Array): void {
    this.onmessage?.({ data: bytes });
  }

  /** The other end is gone. */
  end(): void {
    if (this.readyState === CLOSED) return;
    this.readyState = CLOSED;
    queueMicrotask(() => this.onclose?.({ code: 1000, reason: '', wasClean: true })); // noVNC does not expect it before its own call has returned
  }

  send(bytes: Uint8Array): void {
    this.sink.send(bytes);
  }

  close(): void {
    this.sink.close();
    this.end();
  }
}
