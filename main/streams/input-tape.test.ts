import { describe, expect, it } from 'vitest';
import { InputTape } from './input-tape';

const item = (text: string) => ({ bytes: Buffer.from(text) });
const texts = (unread: { item: { bytes: Buffer }; readBytes: number }[]): string[] => unread.map((left) => left.item.bytes.toString().slice(left.readBytes));

describe('what was sent on a leg', () => {
  it('comes back as far as it was not read, the first perhaps in part', () => {
    const read: string[] = [];
    const tape = new InputTape<{ bytes: Buffer }>(({ bytes }) => read.push(bytes.toString()));
    for (const text of ['abc', 'def', 'ghi']) tape.sent(item(text));
    expect(texts(tape.rewind(4))).toEqual(['ef', 'ghi']);
    expect(read).toEqual(['abc']);
    tape.sent(item('xyz'));
    expect(texts(tape.rewind(0))).toEqual(['xyz']); // places are counted anew on each leg
  });

  it('counts what went by in between', () => {
    const tape = new InputTape<{ bytes: Buffer }>();
    tape.skip(14);
    tape.sent(item('abc'));
    tape.skip(10);
    tape.sent(item('def'));
    expect(texts(tape.rewind(14 + 3 + 10))).toEqual(['def']);
  });

  it('is never sent twice where nobody knows', () => {
    const tape = new InputTape<{ bytes: Buffer }>();
    tape.sent(item('abc'));
    expect(tape.rewind(undefined)).toEqual([]);
  });

  it('is kept within bounds', () => {
    let read = 0;
    const tape = new InputTape<{ bytes: Buffer }>(() => read++);
    for (let i = 0; i < 100; i++) tape.sent({ bytes: Buffer.alloc(64 << 10) });
    expect(read).toBeGreaterThan(60);
    expect(tape.rewind(0).length + read).toBe(100);
  });
});
