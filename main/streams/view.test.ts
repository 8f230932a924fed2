import { describe, expect, it } from 'vitest';
import { initialCreditBytes, terminalCreditBytes } from '../contract';
import { View, type StreamPort } from './view';

function open(creditBytes?: number) {
  const posted: unknown[] = [];
  let say!: (message: unknown) => void;
  let hangUp!: () => void;
  const port: StreamPort = {
    post: (message) => void posted.push(message),
    listen: (onMessage, onClose) => ([say, hangUp] = [onMessage, onClose]),
    close: () => void posted.push('closed'),
  };
  const heard: unknown[] = [];
  const view = new View(port, { onBytes: (bytes) => heard.push(bytes.length), onResize: (size) => heard.push(size), onClose: () => heard.push('closed') }, creditBytes);
  const sentBytes = (): number => posted.reduce((sum: number, message) => sum + (message instanceof Uint8Array ? message.length : 0), 0);
  return { view, posted, heard, say, hangUp, sentBytes };
}

describe('a window’s end of a stream', () => {
  it('gets no more than it granted, in order, and the rest as it grants more', async () => {
    const { view, say, posted, sentBytes } = open();
    const bytes = Buffer.from(Array.from({ length: initialCreditBytes + 1000 }, (_, at) => at % 251));
    view.write(bytes);
    expect(sentBytes()).toBe(initialCreditBytes);
    expect(view.isDrained).toBe(false);
    const drained = view.drained();
    say({ type: 'credit', bytes: 400 });
    expect(sentBytes()).toBe(initialCreditBytes + 400);
    say({ type: 'credit', bytes: 10_000 });
    await drained;
    expect(Buffer.concat(posted as Uint8Array[]).equals(bytes)).toBe(true);
  });

  it('gets less at first where little is wanted to be on its way', () => {
    const { view, say, sentBytes } = open(terminalCreditBytes);
    view.write(Buffer.alloc(initialCreditBytes));
    expect(sentBytes()).toBe(terminalCreditBytes);
    say({ type: 'credit', bytes: 400 });
    expect(sentBytes()).toBe(terminalCreditBytes + 400);
  });

  it('posts bytes of their own: a port clones all that lies below a view', () => {
    const { view, posted } = open();
    const pool = Buffer.alloc(100_000, 1);
    view.write(pool.subarray(10, 20));
    pool.fill(2);
    const [message] = posted as Uint8Array[];
    expect(message!.buffer.byteLength).toBe(10);
    expect([...message!]).toEqual(Array(10).fill(1));
  });

  it('is hung up on when it sends more than it may, or what is no control', () => {
    for (const offence of [Buffer.alloc(101), { type: 'credit', bytes: -5 }, { type: 'resize', columns: 0, rows: 10 }, { type: 'format' }, 'text', null]) {
      const { say, heard, posted } = open();
      say(Buffer.alloc(initialCreditBytes - 100));
      say(offence);
      expect(heard).toEqual([initialCreditBytes - 100, 'closed']);
      expect(posted).toEqual(['closed']);
      say(Buffer.alloc(1));
      expect(heard).toHaveLength(2);
    }
  });

  it('may send on what is granted again', () => {
    const { view, say, heard, posted } = open();
    say(Buffer.alloc(initialCreditBytes));
    view.grant(50);
    expect(posted).toEqual([{ type: 'credit', bytes: 50 }]);
    say(Buffer.alloc(50));
    say({ type: 'resize', columns: 90, rows: 30 });
    expect(heard).toEqual([initialCreditBytes, 50, { columns: 90, rows: 30 }]);
  });

  it('lets nobody wait for a window that has hung up', async () => {
    const { view, hangUp, heard } = open();
    view.write(Buffer.alloc(initialCreditBytes + 1));
    const drained = view.drained();
    hangUp();
    await drained;
    expect(heard).toEqual(['closed']);
  });
});
