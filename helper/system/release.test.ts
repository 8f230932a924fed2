import { describe, expect, it } from 'vitest';
import { release } from './release';

describe('memory given back', () => {
  it('leaves what is only a part of it alone', () => {
    const whole = Buffer.allocUnsafeSlow(16).fill('zap ');
    const part = whole.subarray(4, 8);
    release(part);
    expect(part.toString()).toBe('zap ');
    expect(whole.toString()).toBe('zap zap zap zap ');
  });

  it('is never that of the pool which small buffers share', () => {
    const small = Buffer.from('zap');
    const neighbour = Buffer.from('neighbour');
    release(small);
    expect(neighbour.toString()).toBe('neighbour');
  });

  it('is gone at once, where Node knows how', () => {
    const whole = Buffer.allocUnsafeSlow(16);
    release(whole);
    expect(whole).toHaveLength('transfer' in ArrayBuffer.prototype ? 0 : 16);
  });
});
