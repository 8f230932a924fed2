import { describe, expect, it } from 'vitest';
import { insist } from './insist';

describe('insisting', () => {
  const refusing = (times: number): { write: () => void; tried: () => number } => {
    let tried = 0;
    return {
      tried: () => tried,
      write: () => {
        if (tried++ < times) throw Object.assign(new Error('EROFS'), { code: 'EROFS' });
      },
    };
  };

  it('tries until the disk takes it', async () => {
    const { write, tried } = refusing(2);
    await insist(write, new AbortController().signal);
    expect(tried()).toBe(3);
  });

  it('tells the failure once nobody waits any more', async () => {
    const { write } = refusing(Infinity);
    const abort = new AbortController();
    const insisting = insist(write, abort.signal);
    abort.abort();
    await expect(insisting).rejects.toMatchObject({ code: 'EROFS' });
  });
});
