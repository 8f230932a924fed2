import { describe, expect, it } from 'vitest';
import { asOneLine, countLines, mayRun } from './paste';

describe('text to paste', () => {
  it('may be run by a shell as soon as a line of it ends', () => {
    expect(['ls', 'ls\n', 'a\r', 'a\nb'].map(mayRun)).toEqual([false, true, true, true]);
  });

  it('has as many lines as people see', () => {
    expect(['ls', 'ls\n', 'a\r\nb', 'a\rb\nc\n'].map(countLines)).toEqual([1, 1, 2, 3]);
  });

  it('becomes one line', () => {
    expect(asOneLine('sudo rm\r\n  -r x\n\n')).toBe('sudo rm -r x');
  });
});
