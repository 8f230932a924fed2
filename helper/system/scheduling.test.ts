import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { leaveProcessor, onlyProcessor, ownProcessors, processorNumbers, processorsOf } from './scheduling';
import { run } from './spawn';

const allowedIn = (status: string): string => /^Cpus_allowed_list:\s+(.*)$/m.exec(status)![1]!;

test('a mask names its processors', () => {
  expect(processorNumbers(onlyProcessor(0))).toEqual([0]);
  expect(processorNumbers(onlyProcessor(77))).toEqual([77]);
  expect(processorNumbers(ownProcessors).length).toBeGreaterThan(0);
});

test.skipIf(processorNumbers(ownProcessors).length < 2)('a processor is left as long as anybody wants it, and what is started meanwhile does not inherit that', async () => {
  const [first, second] = [{}, {}];
  const processor = processorNumbers(ownProcessors)[0]!;
  const mine = (): number[] => processorNumbers(processorsOf(process.pid)!);
  const before = allowedIn(readFileSync('/proc/self/status', 'utf8'));
  leaveProcessor(first, processor);
  leaveProcessor(second, processor);
  try {
    expect(mine()).not.toContain(processor);
    expect(allowedIn((await run('cat', ['/proc/self/status'])).stdout)).toBe(before);
    leaveProcessor(first, undefined);
    expect(mine()).not.toContain(processor);
  } finally {
    for (const owner of [first, second]) leaveProcessor(owner, undefined);
  }
  expect(mine()).toEqual(processorNumbers(ownProcessors));
});
