import { describe, expect, it } from 'vitest';
import { ProgressMeter } from './progress';

describe('ProgressMeter', () => {
  it('has a rate and a rest once they mean something', () => {
    let nowMs = 0;
    const meter = new ProgressMeter(true, () => nowMs);
    expect(meter.take({ phase: 'files', bytes: 100, totalBytes: 1100 })).toEqual({ phase: 'files', isCommitted: false, bytes: 100, totalBytes: 1100 });
    nowMs = 500;
    expect(meter.take({ phase: 'files', bytes: 600, totalBytes: 1100 })).toMatchObject({ bytesPerSecond: 1000, remainingMs: 500 });
  });

  it('counts the pause from its first moment to its end, and only where something ran', () => {
    let nowMs = 0;
    const meter = new ProgressMeter(true, () => nowMs);
    meter.take({ phase: 'files' });
    nowMs = 10;
    expect(meter.take({ phase: 'send memory' }).frozenSinceMs).toBe(10);
    nowMs = 20;
    expect(meter.take({ phase: 'restore' }).frozenSinceMs).toBe(10);
    expect(meter.take({ phase: 'clean up' }).frozenSinceMs).toBeUndefined();
    expect(new ProgressMeter(false, () => nowMs).take({ phase: 'send memory' }).frozenSinceMs).toBeUndefined();
  });

  it('stays committed, until the next of several begins', () => {
    const meter = new ProgressMeter(true);
    meter.take({ phase: 'commit', isCommitted: true });
    expect(meter.take({ phase: 'clean up' }).isCommitted).toBe(true);
    expect(meter.nextItem(2, 3)).toMatchObject({ isCommitted: false, item: { index: 2, of: 3 } });
    expect(meter.take({ phase: 'files' }).item).toEqual({ index: 2, of: 3 });
  });
});
