/** The desktop's speaker between a viewer and the X servers of two hosts, both played at the wire. */
import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { DesktopSpeaker } from './desktop';
import { encodingsMessage, updateRequest } from './rfb-client';
import { Encoding } from './rfb-server';

const greeting = Buffer.from('RFB 003.008\n');
const format = Buffer.from([0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 0, 8, 16, 0, 0, 0]);
const opening = Buffer.concat([greeting, Buffer.from([1, 1])]);
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

const init = (width: number, height: number): Buffer => {
  const bytes = Buffer.alloc(24 + 3);
  bytes.writeUInt16BE(width, 0);
  bytes.writeUInt16BE(height, 2);
  format.copy(bytes, 4, 4);
  bytes.writeUInt32BE(3, 20);
  bytes.write('Zap', 24);
  return bytes;
};
const key = (keysym: number, isDown: boolean): Buffer => {
  const bytes = Buffer.from([4, isDown ? 1 : 0, 0, 0, 0, 0, 0, 0]);
  bytes.writeUInt32BE(keysym, 4);
  return bytes;
};
const pointer = (x: number, buttons = 0): Buffer => Buffer.from([5, buttons, 0, x, 0, 0]);
const rectangle = (encoding: number, width: number, height: number, payload: Buffer): Buffer => {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(width, 4);
  head.writeUInt16BE(height, 6);
  head.writeInt32BE(encoding, 8);
  return Buffer.concat([head, payload]);
};
const update = (...rectangles: Buffer[]): Buffer => Buffer.concat([Buffer.from([0, 0, 0, rectangles.length]), ...rectangles]);
const picture = (width: number, height: number): Buffer => update(rectangle(Encoding.raw, width, height, Buffer.alloc(width * height * 4, 7)));

class Leg extends Duplex {
  received = Buffer.alloc(0);

  override _read(): void {}
  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.received = Buffer.concat([this.received, chunk]);
    done();
  }

  /** What came since this was called last. */
  taken(): Buffer {
    const { received } = this;
    this.received = Buffer.alloc(0);
    return received;
  }
}

async function connected(options: { bytewise?: boolean } = {}) {
  let shown = Buffer.alloc(0);
  let granted = 0;
  const speaker = new DesktopSpeaker({ write: (bytes) => void (shown = Buffer.concat([shown, bytes])), drained: async () => {}, grant: (bytes) => void (granted += bytes) });
  const events: string[] = [];
  const say = async (leg: Leg, ...parts: Buffer[]): Promise<void> => {
    for (const chunk of options.bytewise === true ? Array.from(Buffer.concat(parts), (byte) => Buffer.from([byte])) : parts) leg.push(chunk);
    await settled();
  };
  const join = (name: string): { leg: Leg; ended: Promise<void> } => {
    const leg = new Leg();
    return { leg, ended: speaker.speak(leg, () => events.push(name)) };
  };
  const end = async ({ leg, ended }: { leg: Leg; ended: Promise<void> }, readBytes: number | undefined): Promise<void> => {
    leg.destroy();
    await ended;
    speaker.legEnded(readBytes);
  };
  const handshake = (width: number, height: number): Buffer[] => [greeting, Buffer.from([1, 1]), Buffer.alloc(4), init(width, height)];
  const toViewer = (): Buffer => {
    const bytes = shown;
    shown = Buffer.alloc(0);
    return bytes;
  };

  const first = join('first');
  speaker.fromView(Buffer.concat([greeting, Buffer.from([1]), Buffer.from([1])]));
  await say(first.leg, ...handshake(4, 3));
  expect(toViewer()).toEqual(Buffer.concat([greeting, Buffer.from([1, 1]), Buffer.alloc(4), init(4, 3)]));
  expect(events).toEqual(['first']);
  const wanted = encodingsMessage([Encoding.copyRect, 16, Encoding.tight, -260, Encoding.raw, -26, Encoding.lastRect, Encoding.continuousUpdates, -309]);
  speaker.fromView(Buffer.concat([format, wanted, updateRequest(4, 3)]));
  const followable = encodingsMessage([Encoding.copyRect, Encoding.tight, Encoding.raw, -26, Encoding.lastRect, Encoding.continuousUpdates]);
  expect(first.leg.taken()).toEqual(Buffer.concat([opening, format, followable, updateRequest(4, 3)]));
  await say(first.leg, picture(4, 3));
  expect(toViewer()).toEqual(picture(4, 3));
  return { speaker, events, first, join, say, end, handshake, toViewer, followable, sentBytes: opening.length + format.length + followable.length + 10, granted: () => granted };
}

describe('a desktop on a stream', () => {
  it.each([false, true])('shakes hands again by itself and asks for the whole picture, in one go (bytewise: %s)', async (bytewise) => {
    const { events, first, join, say, end, handshake, toViewer, followable, sentBytes } = await connected({ bytewise });
    await end(first, sentBytes);
    const second = join('second');
    expect(second.leg.taken()).toEqual(Buffer.concat([opening, format, followable, updateRequest(4, 3)]));
    await say(second.leg, ...handshake(4, 3));
    await say(second.leg, update(rectangle(Encoding.copyRect, 1, 1, Buffer.alloc(4)))); // no picture yet
    expect(events).toEqual(['first']);
    toViewer();
    await say(second.leg, picture(4, 3));
    expect(events).toEqual(['first', 'second']);
    expect(toViewer()).toEqual(picture(4, 3)); // and nothing of the handshake
  });

  it('ends an update that broke off, so that the next is understood', async () => {
    const { first, join, say, end, handshake, toViewer, sentBytes } = await connected();
    const whole = update(rectangle(Encoding.copyRect, 1, 1, Buffer.alloc(4)), rectangle(Encoding.raw, 4, 3, Buffer.alloc(48)));
    await say(first.leg, whole.subarray(0, whole.length - 5));
    await end(first, sentBytes);
    expect(toViewer()).toEqual(Buffer.concat([whole.subarray(0, 4 + 16), rectangle(Encoding.lastRect, 0, 0, Buffer.alloc(0))]));
    const second = join('second');
    await say(second.leg, ...handshake(4, 3), picture(4, 3));
    expect(toViewer()).toEqual(picture(4, 3));
  });

  it('tells the viewer of another size, and of compression that begins anew', async () => {
    const { first, join, say, end, handshake, toViewer, sentBytes } = await connected();
    const compressed = (control: number): Buffer => update(rectangle(Encoding.tight, 8, 8, Buffer.from([control, 3, 1, 2, 3])));
    await say(first.leg, compressed(0x10));
    expect(toViewer()).toEqual(compressed(0x10));
    await end(first, sentBytes);
    const second = join('second');
    await say(second.leg, ...handshake(8, 8), compressed(0x10), compressed(0x10));
    expect(toViewer()).toEqual(Buffer.concat([update(rectangle(Encoding.desktopSize, 8, 8, Buffer.alloc(0))), compressed(0x12), compressed(0x10)]));
  });

  it('sends what was not read, and what is done meanwhile, once and in order; of the pointer’s way only the end', async () => {
    const { speaker, first, join, end, followable, sentBytes, granted } = await connected();
    const [a, b] = [key(97, true), key(97, false)];
    speaker.fromView(Buffer.concat([a, b]));
    expect(first.leg.taken()).toEqual(Buffer.concat([a, b]));
    await end(first, sentBytes + a.length + 3); // half of the second was read: the server drops it
    const before = granted();
    speaker.fromView(Buffer.concat([key(98, true), pointer(1), pointer(2), updateRequest(4, 3), pointer(3), key(98, false)]));
    expect(granted() - before).toBe(10 + 6 + 6); // what need not be kept makes room for more
    const second = join('second');
    expect(second.leg.taken()).toEqual(Buffer.concat([opening, format, followable, updateRequest(4, 3), b, key(98, true), pointer(3), key(98, false)]));
    expect(granted() - before).toBe(10 + 6 + 6 + 8 + 6 + 8);
  });

  it('sends nothing twice when a connection was lost and nobody knows', async () => {
    const { speaker, first, join, end, followable } = await connected();
    speaker.fromView(key(97, true));
    await end(first, undefined);
    const second = join('second');
    expect(second.leg.taken()).toEqual(Buffer.concat([opening, format, followable, updateRequest(4, 3)]));
  });

  it('holds modifiers and the dragging mouse on; a letter whose key was down is not typed again', async () => {
    const { speaker, first, join, end, followable, sentBytes } = await connected();
    const held = Buffer.concat([key(0xffe3, true), key(0xffe1, true), key(0xffe1, false), key(97, true), pointer(9, 1)]);
    speaker.fromView(held);
    await end(first, sentBytes + held.length);
    const second = join('second');
    expect(second.leg.taken()).toEqual(Buffer.concat([opening, format, followable, updateRequest(4, 3), key(0xffe3, true), pointer(9, 1)]));
  });

  it('goes on with continuous updates, which the viewer need not hear of again, and answers no fence of a server that is gone', async () => {
    const { speaker, first, join, say, end, handshake, toViewer, followable, sentBytes } = await connected();
    const enable = Buffer.from([150, 1, 0, 0, 0, 0, 0, 4, 0, 3]);
    const fence = (isRequest: boolean): Buffer => Buffer.from([248, 0, 0, 0, isRequest ? 0x80 : 0, 0, 0, 1, 1, 42]);
    await say(first.leg, Buffer.from([150]), fence(true));
    expect(toViewer()).toEqual(Buffer.concat([Buffer.from([150]), fence(true)]));
    speaker.fromView(enable);
    await end(first, sentBytes + enable.length);
    speaker.fromView(fence(false));
    const second = join('second');
    expect(second.leg.taken()).toEqual(Buffer.concat([opening, format, followable, enable, updateRequest(4, 3)]));
    await say(second.leg, ...handshake(4, 3), Buffer.from([150]), picture(4, 3), fence(true));
    expect(toViewer()).toEqual(Buffer.concat([picture(4, 3), fence(true)]));
    speaker.fromView(Buffer.concat([fence(false), fence(false)]));
    expect(second.leg.taken()).toEqual(fence(false));
  });

  it.each([
    ['asks for a password', [greeting, Buffer.from([1, 2])]],
    ['refuses', [greeting, Buffer.from([0, 0, 0, 0, 2]), Buffer.from('no')]],
    ['is no RFB server', [Buffer.from('SSH-2.0-x\r\n\0')]],
    ['has no screen', [greeting, Buffer.from([1, 1]), Buffer.alloc(4), init(0, 0)]],
    ['has an endless name', [greeting, Buffer.from([1, 1]), Buffer.alloc(4), Buffer.concat([init(1, 1).subarray(0, 20), Buffer.from([255, 255, 255, 255])])]],
  ])('fails in words when the server %s', async (_, words) => {
    const speaker = new DesktopSpeaker({ write: () => {}, drained: async () => {}, grant: () => {} });
    const leg = new Leg();
    const speaking = speaker.speak(leg, () => {});
    for (const word of words) leg.push(word);
    await expect(speaking).rejects.toMatchObject({ code: 'pod/display-broken' });
  });
});
