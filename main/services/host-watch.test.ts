import { afterEach, describe, expect, it, vi } from 'vitest';
import { ZapError } from '../../helper/protocol/errors';
import type { HelperClient } from '../helper-client/client';
import type { FactsCache } from '../helper-client/facts-cache';
import { HostWatch } from './host-watch';

let watch: HostWatch | undefined;
afterEach(() => watch?.[Symbol.dispose]());

function watched(answers: (unknown[] | ZapError)[]): { events: string[]; calls: string[] } {
  const [events, calls]: [string[], string[]] = [[], []];
  const call = async (method: string): Promise<unknown> => {
    calls.push(method);
    if (method === 'environment.list') return { environments: [] };
    const answer = answers.shift() ?? [];
    if (answer instanceof ZapError) throw answer;
    return { pods: answer };
  };
  const facts = { get: async () => ({ facts: { loadAverage: 1, memoryFreeBytes: 2 } }) } as unknown as FactsCache;
  watch = new HostWatch({ host: 'alpha', call } as unknown as HelperClient, facts, () => true, {
    onPods: (pods) => events.push(`pods ${pods.length}`),
    onFacts: (_facts, { loadAverage }) => events.push(`facts ${loadAverage}`),
    onEnvironments: () => events.push('environments'),
    onTrouble: ({ code }) => events.push(code),
  });
  return { events, calls };
}

describe('HostWatch', () => {
  it('asks for everything at first, and tells PODs only when they are others than before', async () => {
    const { events } = watched([[1], [1], [1, 2]]);
    await vi.waitFor(() => expect(events).toEqual(['pods 1', 'facts 1', 'environments']));
    await watch!.refresh();
    expect(events).toHaveLength(3);
    await watch!.refresh();
    expect(events.at(-1)).toBe('pods 2');
  });

  it('gives whoever asks an answer that is newer than the question', async () => {
    const { events, calls } = watched([[], [1]]);
    await watch!.refresh(); // the first answer is on its way already
    expect(calls.filter((method) => method === 'pod.list').length).toBeGreaterThanOrEqual(2);
    expect(events).toContain('pods 1');
  });

  it('goes on after a failure, and stops when it is told to', async () => {
    const { events, calls } = watched([new ZapError('host/timeout', 'm'), [1]]);
    await vi.waitFor(() => expect(events).toEqual(['host/timeout']));
    await watch!.refresh();
    expect(events).toContain('pods 1');
    watch![Symbol.dispose]();
    const count = calls.length;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(calls).toHaveLength(count);
  });
});
