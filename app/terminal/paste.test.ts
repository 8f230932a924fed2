import { describe, expect, it } from 'vitest';
import { asOneLine, countLines } from './paste';

describe('text to paste', () => {
  it('has the lines that a shell would see', () => {
    expect(['ls', 'ls\n', 'a\r\nb', 'a\rb\nc'].map(countLines)).toEqual([1, 2, 2, 3]);
  });

  it('becomes one line', () => {
    expect(asOneLine('sudo rm\r\n  -r x\n\n')).toBe('sudo rm -r x');
  });
});
