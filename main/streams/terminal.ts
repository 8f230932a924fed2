/**
 * A terminal on a stream.
 *
 * tmux in the POD draws the whole screen for each new client, and keeps what has scrolled away: so nothing is missing after a move, and nothing there twice.
 * The lines that tmux sends as they come are no scrollback: in a hurry it leaves out those that nobody could have read.
 */
import type { Duplex } from 'node:stream';
import { terminalCreditBytes } from '../contract';
import { chunksOf } from './chunks';
import { InputTape } from './input-tape';
import type { Speaker, StreamKind } from './pod-stream';
import type { View } from './view';

export interface TerminalRequest {
  pod: string;
  window?: string | undefined;
  columns: number;
  rows: number;
}

export function terminalKind({ pod, window, columns, rows }: TerminalRequest): StreamKind {
  let size = { columns, rows };
  let sizes: Duplex | undefined;
  return {
    creditBytes: terminalCreditBytes,
    speaker: (view) => new TerminalSpeaker(view),
    start(client, signal) {
      const call = client.start('pod.attach', { pod, ...(window === undefined ? {} : { window }), terminal: { ...size, term: 'xterm-256color' } }, { signal });
      sizes = call.lane(1);
      return call;
    },
    resize(wanted) {
      size = wanted;
      if (sizes?.writable === true) sizes.write(`${JSON.stringify(size)}\n`);
    },
  };
}

export class TerminalSpeaker implements Speaker {
  /** Given to a leg before, and not read there. */
  private again: Uint8Array[] = [];
  private readonly waiting: Uint8Array[] = [];
  private readonly tape = new InputTape<{ bytes: Uint8Array }>();
  private leg: Duplex | undefined;

  constructor(private readonly view: Pick<View, 'write' | 'drained' | 'grant'>) {}

  fromView(bytes: Uint8Array): void {
    this.waiting.push(bytes);
    this.pump();
  }

  async speak(leg: Duplex, onReady: () => void): Promise<void> {
    this.leg = leg;
    leg.on('drain', () => this.pump());
    this.pump();
    let isReady = false;
    for await (const chunk of chunksOf(leg)) {
      if (!isReady) onReady();
      isReady = true;
      this.view.write(chunk);
      await this.view.drained();
    }
    this.leg = undefined;
  }

  legEnded(readBytes: number | undefined): void {
    const unread = this.tape.rewind(readBytes).map(({ item, readBytes: already }) => item.bytes.subarray(already));
    this.again = [...unread, ...this.again];
  }

  private pump(): void {
    while (this.leg?.writable === true && !this.leg.writableNeedDrain) {
      const repeated = this.again.shift();
      const bytes = repeated ?? this.waiting.shift();
      if (!bytes) return;
      this.tape.sent({ bytes });
      this.leg.write(bytes);
      if (!repeated) this.view.grant(bytes.length); // a second time it takes no more room
    }
  }
}
