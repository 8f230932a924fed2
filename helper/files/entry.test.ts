import { describe, expect, it } from 'vitest';
import { parseEntry } from './entry';

const times = { uid: 0, gid: 0, mode: 0o644, time: [0, 0] };
const parse = (entry: object): unknown => parseEntry(Buffer.from(JSON.stringify(entry)));

describe('an entry of an archive', () => {
  it('may be named like any file', () => {
    for (const path of ['a', 'a/b.c/..d', '...', 'a b', '-rf', 'a\\b']) expect(parse({ type: 'file', path, ...times })).toMatchObject({ path });
  });

  it.each([
    ['..', 'leads outside'],
    ['../a', 'leads outside'],
    ['a/../../b', 'leads outside'],
    ['a/..', 'leads outside'],
    ['/etc/passwd', 'an absolute path'],
    ['//a', 'an absolute path'],
    ['a//b', 'plain form'],
    ['./a', 'plain form'],
    ['a/', 'plain form'],
    ['a\0b', 'is not valid'],
    ['a'.repeat(256), 'too long'],
  ])('is refused by its name alone, before anything is opened: %j', (path, reason) => {
    const refusal = expect.objectContaining({ code: 'checkpoint/unsafe-archive', message: expect.stringContaining(reason) as string });
    expect(() => parse({ type: 'file', path, ...times })).toThrow(refusal);
    expect(() => parse({ type: 'removed', path })).toThrow(refusal);
    expect(() => parse({ type: 'hardlink', path: 'a', target: path })).toThrow(refusal);
  });
});
