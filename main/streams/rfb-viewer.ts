/**
 * The viewer's side of a desktop: we are its server.
 *
 * What it asks for once (format, encodings, continuous updates) is remembered for later legs. What a person does waits while there is no leg, and goes again to the
 * next one if the last was frozen before it was read. The rest concerns one leg only.
 */
import type { Duplex } from 'node:stream';
import { assertNever, ZapError } from '../../helper/protocol/errors';
import { ByteQueue } from './byte-queue';
import { HeldInput } from './held-input';
import { InputTape } from './input-tape';
import { clientMessage, encodingsMessage, followableEncodings, requireTrueColour, type ClientMessage } from './rfb-client';
import { greeting } from './rfb-handshake';
import type { View } from './view';

interface InputMessage {
  kind: 'key' | 'pointer' | 'other-input';
  bytes: Buffer;
  /** It takes up room of the window's credit until it is sent. */
  isCharged: boolean;
}

export class ViewerSide {
  private readonly queue = new ByteQueue();
  private next: 'greeting' | 'security' | 'init' | 'messages' = 'greeting';
  private init: Buffer | undefined;
  private pixelFormat: Buffer | undefined;
  private encodings: Buffer | undefined;
  private continuousUpdates: Buffer | undefined;
  private knowsContinuousUpdates = false;
  private openFences = 0;
  private waiting: InputMessage[] = [];
  private readonly held = new HeldInput();
  private readonly tape = new InputTape<InputMessage>(({ kind, bytes }) => kind !== 'other-input' && this.held.note(bytes));
  private leg: Duplex | undefined;

  constructor(private readonly view: Pick<View, 'write' | 'grant'>) {
    view.write(greeting);
  }

  /** Whether it has been told of the screen: from then on legs may change behind its back. */
  get isServing(): boolean {
    return this.init !== undefined;
  }

  serverIs(init: Buffer): void {
    this.init = init;
    if (this.next === 'messages') this.view.write(init);
  }

  /** `openingBytes` went over the leg already. `request` asks for the whole picture, which a viewer that has one would not do. */
  joinLeg(leg: Duplex, openingBytes: number, request?: Buffer): void {
    this.leg = leg;
    this.openFences = 0;
    this.tape.skip(openingBytes);
    leg.on('drain', () => this.pump());
    if (this.pixelFormat) this.send(this.pixelFormat);
    if (this.encodings) this.send(this.encodings);
    if (this.continuousUpdates) this.send(this.continuousUpdates);
    if (request && this.encodings) this.send(request);
    for (const message of this.held.pressed()) this.send(message);
    this.pump();
  }

  legEnded(readBytes: number | undefined): void {
    this.leg = undefined;
    // A message is read as a whole or not at all: the server drops what it has of a half one.
    const unread = this.tape.rewind(readBytes).map(({ item }) => ({ ...item, isCharged: false }));
    this.waiting = [...unread, ...this.waiting];
  }

  fenceAsked(): void {
    this.openFences++;
  }

  /** Whether that these can be had is news. */
  hearsOfContinuousUpdates(): boolean {
    const isNews = !this.knowsContinuousUpdates || this.continuousUpdates === undefined;
    this.knowsContinuousUpdates = true;
    return isNews;
  }

  fromView(bytes: Uint8Array): void {
    this.queue.push(bytes);
    for (let length; (length = this.take(this.queue.bytes)) !== undefined; ) this.queue.skip(length);
  }

  private take(bytes: Buffer): number | undefined {
    switch (this.next) {
      case 'greeting':
        return this.answer(bytes, 12, 'security', Buffer.from([1, 1])); // one kind of security: none
      case 'security':
        return this.answer(bytes, 1, 'init', Buffer.alloc(4));
      case 'init':
        return this.answer(bytes, 1, 'messages', this.init);
      case 'messages': {
        const message = clientMessage(bytes);
        if (!message) return undefined;
        this.handle(message, Buffer.from(bytes.subarray(0, message.length)));
        return message.length;
      }
    }
  }

  private answer(bytes: Buffer, length: number, next: ViewerSide['next'], reply: Buffer | undefined): number | undefined {
    if (bytes.length < length) return undefined;
    if (this.next === 'greeting' && !bytes.subarray(0, length).equals(greeting)) throw new ZapError('internal/protocol', 'A viewer must speak RFB 3.8.');
    this.next = next;
    if (reply) this.view.write(reply);
    this.view.grant(length);
    return length;
  }

  private handle({ kind, length }: ClientMessage, bytes: Buffer): void {
    switch (kind) {
      case 'key':
      case 'pointer':
      case 'other-input':
        return this.keep({ kind, bytes, isCharged: true });
      case 'pixel-format':
        requireTrueColour(bytes);
        this.pixelFormat = bytes;
        this.send(bytes);
        break;
      case 'encodings':
        this.encodings = encodingsMessage(followableEncodings(bytes));
        this.send(this.encodings);
        break;
      case 'continuous-updates':
        this.continuousUpdates = bytes[1] === 0 ? undefined : bytes;
        this.send(bytes);
        break;
      case 'fence':
        if (this.openFences > 0) this.send(bytes); // else it answers a server that is gone
        this.openFences = Math.max(0, this.openFences - 1);
        break;
      case 'update-request': // the next leg asks for the whole picture by itself
      case 'clipboard-talk':
        this.send(bytes);
        break;
      case 'machine':
        break;
      default:
        assertNever(kind);
    }
    this.view.grant(length);
  }

  /** The pointer's way while nobody looks is of no interest, only where it ends: so it takes up no room. */
  private keep(message: InputMessage): void {
    const last = this.waiting.at(-1);
    if (message.kind === 'pointer' && last?.kind === 'pointer' && last.bytes[1] === message.bytes[1] && last.bytes[6] === message.bytes[6]) {
      if (last.isCharged) this.view.grant(last.bytes.length);
      this.waiting.pop();
    }
    this.waiting.push(message);
    this.pump();
  }

  private pump(): void {
    while (this.leg?.writable === true && !this.leg.writableNeedDrain) {
      const message = this.waiting.shift();
      if (!message) return;
      this.tape.sent(message);
      this.leg.write(message.bytes);
      if (message.isCharged) this.view.grant(message.bytes.length);
    }
  }

  private send(bytes: Buffer): void {
    if (this.leg?.writable !== true) return;
    this.tape.skip(bytes.length);
    this.leg.write(bytes);
  }
}
