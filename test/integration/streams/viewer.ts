/** An RFB viewer as plain as can be: raw pixels, one connection that it never makes again. */
import { ByteQueue } from '../../../main/streams/byte-queue';
import { encodingsMessage, updateRequest } from '../../../main/streams/rfb-client';
import { Encoding } from '../../../main/streams/rfb-server';
import { Window } from './window';

export class Viewer implements Disposable {
  readonly window = new Window((bytes) => this.onBytes(bytes));
  width = 0;
  height = 0;
  /** Whole updates that brought pixels. */
  updates = 0;
  /** 32 bits a pixel. */
  pixels = Buffer.alloc(0);
  private readonly queue = new ByteQueue();
  private phase: 'greeting' | 'security' | 'result' | 'init' | 'messages' = 'greeting';
  private rectangles = 0;
  private hadPixels = false;

  key(keysym: number): void {
    for (const isDown of [1, 0]) {
      const message = Buffer.alloc(8);
      message.writeUInt8(4, 0);
      message.writeUInt8(isDown, 1);
      message.writeUInt32BE(keysym, 4);
      this.window.send(message);
    }
  }

  type(text: string): void {
    for (const letter of text) this.key(letter === '\n' ? 0xff0d : letter.charCodeAt(0));
  }

  point(x: number, y: number): void {
    const message = Buffer.alloc(6);
    message.writeUInt8(5, 0);
    message.writeUInt16BE(x, 2);
    message.writeUInt16BE(y, 4);
    this.window.send(message);
  }

  [Symbol.dispose](): void {
    this.window[Symbol.dispose]();
  }

  private onBytes(bytes: Buffer): void {
    this.queue.push(bytes);
    for (let length; (length = this.take(this.queue.bytes)) !== undefined; ) this.queue.skip(length);
  }

  private take(bytes: Buffer): number | undefined {
    switch (this.phase) {
      case 'greeting':
        return this.answer(bytes, 12, 'security', Buffer.from('RFB 003.008\n'));
      case 'security':
        return this.answer(bytes, 2, 'result', Buffer.from([1]));
      case 'result':
        return this.answer(bytes, 4, 'init', Buffer.from([1]));
      case 'init': {
        if (bytes.length < 24 || bytes.length < 24 + bytes.readUInt32BE(20)) return undefined;
        this.resize(bytes.readUInt16BE(0), bytes.readUInt16BE(2));
        const format = Buffer.from([0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 0, 8, 16, 0, 0, 0]);
        this.window.send(Buffer.concat([format, encodingsMessage([Encoding.raw, Encoding.desktopSize, Encoding.lastRect]), updateRequest(this.width, this.height)]));
        return this.answer(bytes, 24 + bytes.readUInt32BE(20), 'messages', Buffer.alloc(0));
      }
      case 'messages':
        return this.rectangles > 0 ? this.rectangle(bytes) : this.message(bytes);
    }
  }

  private answer(bytes: Buffer, length: number, next: Viewer['phase'], reply: Buffer): number | undefined {
    if (bytes.length < length) return undefined;
    this.phase = next;
    if (reply.length > 0) this.window.send(reply);
    return length;
  }

  private message(bytes: Buffer): number | undefined {
    if (bytes.length < 1) return undefined;
    if (bytes[0] === 2) return 1;
    if (bytes[0] === 3) return bytes.length < 8 || bytes.length < 8 + bytes.readUInt32BE(4) ? undefined : 8 + bytes.readUInt32BE(4);
    if (bytes[0] !== 0) throw new Error(`the viewer got a message of type ${bytes[0]}`);
    if (bytes.length < 4) return undefined;
    this.rectangles = bytes.readUInt16BE(2);
    this.hadPixels = false;
    return 4;
  }

  private rectangle(bytes: Buffer): number | undefined {
    if (bytes.length < 12) return undefined;
    const [x, y, width, height] = [bytes.readUInt16BE(0), bytes.readUInt16BE(2), bytes.readUInt16BE(4), bytes.readUInt16BE(6)];
    const encoding = bytes.readInt32BE(8);
    if (encoding === Encoding.raw) {
      if (bytes.length < 12 + width * height * 4) return undefined;
      for (let row = 0; row < height; row++) bytes.copy(this.pixels, ((y + row) * this.width + x) * 4, 12 + row * width * 4, 12 + (row + 1) * width * 4);
      this.hadPixels = true;
    } else if (encoding === Encoding.desktopSize) this.resize(width, height);
    else if (encoding !== Encoding.lastRect) throw new Error(`the viewer got encoding ${encoding}`);
    this.rectangles = encoding === Encoding.lastRect ? 0 : this.rectangles - 1;
    if (this.rectangles === 0) {
      if (this.hadPixels) this.updates++;
      const request = updateRequest(this.width, this.height);
      request.writeUInt8(1, 1);
      this.window.send(request);
    }
    return encoding === Encoding.raw ? 12 + width * height * 4 : 12;
  }

  private resize(width: number, height: number): void {
    [this.width, this.height] = [width, height];
    this.pixels = Buffer.alloc(width * height * 4);
  }
}
