import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shellQuote } from './quote';

describe('shellQuote', () => {
  it('leaves plain words alone', () => {
    expect(shellQuote(['sudo', '-n', '/var/lib/zap/x', 'serve'])).toBe('sudo -n /var/lib/zap/x serve');
  });

  it('brings every argument through a real shell unchanged', () => {
    const argument = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0') && !/[\ud800-\udfff]/.test(text));
    fc.assert(
      fc.property(fc.array(argument, { minLength: 1, maxLength: 5 }), (argv) => {
        const out = execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${shellQuote(argv)}`]).toString();
        expect(out.split('\0').slice(0, -1)).toEqual(argv);
      }),
      { numRuns: 60 },
    );
  });

  it('refuses NUL', () => {
    expect(() => shellQuote(['a\0b'])).toThrow(/NUL/);
  });
});
